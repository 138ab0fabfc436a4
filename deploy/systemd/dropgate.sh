#!/bin/sh
# The command `dropgate` of this installation: as its own account, with the settings of its units.
#   install -m 0755 dropgate.sh /usr/local/bin/dropgate
set -eu
set -a
. /etc/dropgate/dropgate.env
set +a
if [ "$(id -u)" = 0 ]; then
    exec setpriv --reuid=dropgate --regid=dropgate --init-groups -- /opt/dropgate/bin/dropgate "$@"
fi
exec /opt/dropgate/bin/dropgate "$@"
