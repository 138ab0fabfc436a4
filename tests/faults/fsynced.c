/* Notes the length of each regular file at its last fsync, for a power cut that is only played:
 *   FSYNCED_NOTES=<file>     gets a line "<length> <path>" after each fsync that succeeded
 *   FSYNCED_DELAY_US=<n>     every fsync takes so much longer
 * The length is taken before the call: what is written meanwhile may not be on the disk. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int notes = -1;
static long delay_us;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("FSYNCED_NOTES");
    const char *delay = getenv("FSYNCED_DELAY_US");
    if (path != NULL)
        notes = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (delay != NULL)
        delay_us = atol(delay);
}

static void note(int file, const struct stat *before) {
    char link[64], path[4096], line[4200];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0)
        return;
    path[length] = 0;
    int size = snprintf(line, sizeof line, "%lld %s\n", (long long)before->st_size, path);
    if (write(notes, line, size) != size)
        abort();
}

static int synced(int file, const char *name) {
    struct stat before;
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    int is_file = fstat(file, &before) == 0 && S_ISREG(before.st_mode);
    if (delay_us > 0)
        usleep(delay_us);
    int result = real(file);
    if (result == 0 && is_file && notes >= 0)
        note(file, &before);
    return result;
}

int fdatasync(int file) { return synced(file, "fdatasync"); }
int fsync(int file) { return synced(file, "fsync"); }
