"""Outside parties that Dropgate talks to, as separate real HTTP servers with state of their own.

A venue's back end, a partner marketplace and a shop. They import none of Dropgate's packages: what
they know of it is its HTTP interface and its files, like the real ones.
"""
