/* Faults of the disk, made at the system call: loaded with LD_PRELOAD, told what to do through shared memory.

   Every call here goes to the kernel by syscall(), after asking the rule whether it is the one to spoil. Only calls
   on files below the folder that the control names are looked at. Without a control the calls are as they were.

   The platter. A disk keeps what was synced and may lose all else, and after a failed sync the system calls pages
   clean that never reached it, so that no later sync writes them (as Linux does). With "platter" set, each file is
   shadowed by a copy of what is on the disk for certain: a write makes pages dirty, a sync copies the dirty ones, a
   failed sync forgets that they were dirty. After a power cut the copies are what is left. Which pages are dirty lies
   in the shared memory, as it lies in a kernel: it outlives the process. */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* In the order of calls.py's CALLS. */
enum { WRITE, SYNC, TRUNCATE, RENAME, OPEN, LOOK, MAKE, REMOVE, MAP, ALLOCATE };
/* In the order of calls.py's DEEDS. */
enum { NOTHING, FAIL, HANG, SHORT, TEAR, DIE };

enum { PAGE = 4096, PAGES = 4096, FILES = 16, LOGGED = 256, PATH = 512 };

struct met {
    int32_t call, deed, error, pid;
    char path[PATH];
};

struct file {
    uint64_t inode;
    uint8_t dirty[PAGES];
};

/* calls.py's CONTROL says the same. */
struct control {
    char folder[PATH];      /* whatever lies in it, or is it */
    char name[PATH];        /* only paths that contain this */
    char platter[PATH];     /* where the copies are; empty: none are kept */
    int32_t deed, error;
    int32_t calls;          /* a bit per call */
    int32_t first, count;   /* spoil so many from this one on, counted from 1; count 0: all that follow */
    int32_t seen, logged;   /* matching calls, and those that were spoiled */
    int32_t lock;           /* of what follows */
    struct met log[LOGGED];
    struct file files[FILES];
};

static struct control *control;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("GANIMEDE_TEST_FAULTS");
    int handle = path ? (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0) : -1;
    if (handle < 0) return;
    long made = syscall(SYS_mmap, 0L, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, handle, 0L);
    if (made != -1) control = (struct control *)made;
    syscall(SYS_close, handle);
}

static void rest(void) {
    struct timespec little = {0, 1000000};
    syscall(SYS_nanosleep, &little, 0);
}

static void lock(void) {
    while (__sync_lock_test_and_set(&control->lock, 1)) rest();
}

static void unlock(void) {
    __sync_lock_release(&control->lock);
}

/* ------------------------------------------------------------------------------------------------ the rule */

static int inside(const char *path) {
    size_t length = strlen(control->folder);
    if (!length || strncmp(path, control->folder, length) || (path[length] && path[length] != '/')) return 0;
    return strstr(path, control->name) != 0;
}

static int path_of(int handle, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", handle);
    long length = syscall(SYS_readlinkat, AT_FDCWD, link, path, PATH - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return 1;
}

static int whole_path(const char *given, char *path) {
    size_t length = 0;
    if (given[0] != '/') {
        if (syscall(SYS_getcwd, path, PATH) < 0) return 0;
        length = strlen(path);
        path[length++] = '/';
    }
    if (length + strlen(given) >= PATH) return 0;
    strcpy(path + length, given);
    return 1;
}

static void note(int call, int deed, const char *path) {
    int32_t n = __sync_fetch_and_add(&control->logged, 1);
    struct met *met = &control->log[n % LOGGED];
    met->call = call, met->deed = deed, met->error = control->error, met->pid = (int32_t)syscall(SYS_getpid);
    strncpy(met->path, path, PATH - 1);
}

/* What is to happen to this call. Waits, if it is to hang, and then lets it go on. */
static int judge(int call, const char *path) {
    int deed = control->deed;
    if (deed == NOTHING || !(control->calls & 1 << call) || !inside(path)) return NOTHING;
    int32_t n = __sync_add_and_fetch(&control->seen, 1);
    int32_t first = control->first, count = control->count;
    if (n < first || (count && n >= first + count)) return NOTHING;
    note(call, deed, path);
    if (deed == DIE) {
        syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
        for (;;) rest();
    }
    if (deed == HANG) {
        while (control->deed == HANG) rest();
        return NOTHING;
    }
    return deed;
}

static int on_path(int call, const char *given) {
    char path[PATH];
    int known = errno;
    int deed = control && given && control->deed != NOTHING && whole_path(given, path) ? judge(call, path) : NOTHING;
    errno = known;
    return deed;
}

static int on_handle(int call, int handle) {
    char path[PATH];
    int known = errno;
    int deed = control && control->deed != NOTHING && path_of(handle, path) ? judge(call, path) : NOTHING;
    errno = known;
    return deed;
}

static int refuse(void) {
    errno = control->error;
    return -1;
}

/* --------------------------------------------------------------------------------------------- the platter */

static int open_copy(uint64_t inode, int flags) {
    char path[PATH + 32];
    snprintf(path, sizeof path, "%s/%llu", control->platter, (unsigned long long)inode);
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, 0600);
}

static void copy_page(int from, int to, uint64_t page) {
    char data[PAGE];
    long length = syscall(SYS_pread64, from, data, PAGE, page * PAGE);
    if (length > 0) syscall(SYS_pwrite64, to, data, length, page * PAGE);
}

/* The file behind a handle, if it is one that is shadowed. Of one that is met for the first time all is safe. */
static struct file *shadowed(int handle, struct stat *about) {
    char path[PATH], source[64];
    if (!control || !control->platter[0] || !path_of(handle, path) || !inside(path)) return 0;
    if (syscall(SYS_fstat, handle, about) || !S_ISREG(about->st_mode) || strstr(path, "-shm")) return 0;
    struct file *free = 0;
    for (struct file *each = control->files; each < control->files + FILES; each++) {
        if (each->inode == about->st_ino) return each;
        if (!each->inode && !free) free = each;
    }
    if (!free) abort();
    memset(free, 0, sizeof *free);
    free->inode = about->st_ino;
    snprintf(source, sizeof source, "/proc/self/fd/%d", handle);
    int from = (int)syscall(SYS_openat, AT_FDCWD, source, O_RDONLY | O_CLOEXEC, 0);
    int to = open_copy(about->st_ino, O_RDWR | O_CREAT | O_TRUNC);
    for (int64_t page = 0; page * PAGE < about->st_size; page++) copy_page(from, to, page);
    syscall(SYS_close, from);
    syscall(SYS_close, to);
    return free;
}

/* Before a write of so many bytes at this place, -1: where the handle stands. */
static void soil(int handle, int64_t at, size_t length) {
    struct stat about;
    if (!control || !control->platter[0] || !length) return;
    int known = errno;
    lock();
    struct file *file = shadowed(handle, &about);
    if (file) {
        if (at < 0) at = syscall(SYS_lseek, handle, 0, SEEK_CUR);
        for (int64_t page = at / PAGE; page <= (int64_t)(at + length - 1) / PAGE; page++) {
            if (page >= PAGES) abort();
            file->dirty[page] = 1;
        }
    }
    unlock();
    errno = known;
}

/* After a sync. */
static void settle(int handle, int done) {
    struct stat about;
    if (!control || !control->platter[0]) return;
    int known = errno;
    lock();
    struct file *file = shadowed(handle, &about);
    if (file) {
        char source[64];
        snprintf(source, sizeof source, "/proc/self/fd/%d", handle);
        int from = done ? (int)syscall(SYS_openat, AT_FDCWD, source, O_RDONLY | O_CLOEXEC, 0) : -1;
        int to = done ? open_copy(about.st_ino, O_RDWR) : -1;
        for (uint64_t page = 0; page < PAGES; page++) {
            if (done && file->dirty[page]) copy_page(from, to, page);
            file->dirty[page] = 0;
        }
        if (done) {
            syscall(SYS_ftruncate, to, about.st_size);
            syscall(SYS_close, from);
            syscall(SYS_close, to);
        }
    }
    unlock();
    errno = known;
}

/* What a name stood for may be gone now, and its number become another file's. */
static uint64_t inode_of(int folder, const char *path) {
    struct stat about;
    int known = errno;
    int found = control && control->platter[0] && !syscall(SYS_newfstatat, folder, path, &about, AT_SYMLINK_NOFOLLOW);
    errno = known;
    return found && about.st_nlink == 1 && S_ISREG(about.st_mode) ? about.st_ino : 0;
}

static void forget(uint64_t inode) {
    if (!inode) return;
    lock();
    for (struct file *each = control->files; each < control->files + FILES; each++)
        if (each->inode == inode) each->inode = 0;
    unlock();
}

/* --------------------------------------------------------------------------------------------------- writing */

static ssize_t spoil_write(int deed, int handle, const void *data, size_t length, int64_t at) {
    if (deed == FAIL || length < 2) return refuse();
    soil(handle, at, length / 2);
    ssize_t done = at < 0 ? syscall(SYS_write, handle, data, length / 2)
                          : syscall(SYS_pwrite64, handle, data, length / 2, at);
    return deed == SHORT || done < 0 ? done : refuse();
}

ssize_t write(int handle, const void *data, size_t length) {
    int deed = on_handle(WRITE, handle);
    if (deed != NOTHING) return spoil_write(deed, handle, data, length, -1);
    soil(handle, -1, length);
    return syscall(SYS_write, handle, data, length);
}

ssize_t pwrite64(int handle, const void *data, size_t length, off64_t at) {
    int deed = on_handle(WRITE, handle);
    if (deed != NOTHING) return spoil_write(deed, handle, data, length, at);
    soil(handle, at, length);
    return syscall(SYS_pwrite64, handle, data, length, at);
}

ssize_t pwrite(int handle, const void *data, size_t length, off_t at) {
    return pwrite64(handle, data, length, at);
}

ssize_t writev(int handle, const struct iovec *parts, int count) {
    int deed = on_handle(WRITE, handle);
    if (deed != NOTHING) {
        if (count < 1) return refuse();
        return spoil_write(deed, handle, parts[0].iov_base, parts[0].iov_len, -1);
    }
    size_t length = 0;
    for (int n = 0; n < count; n++) length += parts[n].iov_len;
    soil(handle, -1, length);
    return syscall(SYS_writev, handle, parts, count);
}

static int sync_by(long number, int handle) {
    if (on_handle(SYNC, handle) != NOTHING) {
        settle(handle, 0);
        return refuse();
    }
    int result = (int)syscall(number, handle);
    settle(handle, result == 0);
    return result;
}

int fsync(int handle) {
    return sync_by(SYS_fsync, handle);
}

int fdatasync(int handle) {
    return sync_by(SYS_fdatasync, handle);
}

int ftruncate64(int handle, off64_t length) {
    return on_handle(TRUNCATE, handle) != NOTHING ? refuse() : (int)syscall(SYS_ftruncate, handle, length);
}

int ftruncate(int handle, off_t length) {
    return ftruncate64(handle, length);
}

int posix_fallocate64(int handle, off64_t at, off64_t length) {
    if (on_handle(ALLOCATE, handle) != NOTHING) return control->error;
    return syscall(SYS_fallocate, handle, 0, at, length) ? errno : 0;
}

int posix_fallocate(int handle, off_t at, off_t length) {
    return posix_fallocate64(handle, at, length);
}

int fallocate64(int handle, int mode, off64_t at, off64_t length) {
    return on_handle(ALLOCATE, handle) != NOTHING ? refuse() : (int)syscall(SYS_fallocate, handle, mode, at, length);
}

int fallocate(int handle, int mode, off_t at, off_t length) {
    return fallocate64(handle, mode, at, length);
}

void *mmap64(void *at, size_t length, int protection, int flags, int handle, off64_t offset) {
    if (handle >= 0 && flags & MAP_SHARED && on_handle(MAP, handle) != NOTHING) {
        refuse();
        return MAP_FAILED;
    }
    return (void *)syscall(SYS_mmap, at, length, protection, flags, handle, offset);
}

void *mmap(void *at, size_t length, int protection, int flags, int handle, off_t offset) {
    return mmap64(at, length, protection, flags, handle, offset);
}

/* ----------------------------------------------------------------------------------------------------- names */

static int open_by(int folder, const char *path, int flags, int mode) {
    int writes = (flags & O_ACCMODE) != O_RDONLY || flags & (O_CREAT | O_TRUNC);
    return on_path(writes ? OPEN : LOOK, path) != NOTHING ? refuse()
                                                         : (int)syscall(SYS_openat, folder, path, flags, mode);
}

#define MODE(flags, last, mode) \
    int mode = 0; \
    if (flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE) { \
        va_list more; \
        va_start(more, last); \
        mode = va_arg(more, int); \
        va_end(more); \
    }

int open(const char *path, int flags, ...) {
    MODE(flags, flags, mode)
    return open_by(AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    MODE(flags, flags, mode)
    return open_by(AT_FDCWD, path, flags, mode);
}

int openat(int folder, const char *path, int flags, ...) {
    MODE(flags, flags, mode)
    return open_by(folder, path, flags, mode);
}

int openat64(int folder, const char *path, int flags, ...) {
    MODE(flags, flags, mode)
    return open_by(folder, path, flags, mode);
}

/* As old programs and those built with _FORTIFY_SOURCE say it. */
int __open_2(const char *path, int flags) {
    return open_by(AT_FDCWD, path, flags, 0);
}

int __open64_2(const char *path, int flags) {
    return open_by(AT_FDCWD, path, flags, 0);
}

int creat(const char *path, mode_t mode) {
    return open_by(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, (int)mode);
}

int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags) {
    if (on_path(RENAME, to) != NOTHING) return refuse();
    uint64_t replaced = inode_of(to_folder, to);
    int result = (int)syscall(SYS_renameat2, from_folder, from, to_folder, to, flags);
    if (!result) forget(replaced);
    return result;
}

int renameat(int from_folder, const char *from, int to_folder, const char *to) {
    return renameat2(from_folder, from, to_folder, to, 0);
}

int rename(const char *from, const char *to) {
    return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int mkdirat(int folder, const char *path, mode_t mode) {
    return on_path(MAKE, path) != NOTHING ? refuse() : (int)syscall(SYS_mkdirat, folder, path, mode);
}

int mkdir(const char *path, mode_t mode) {
    return mkdirat(AT_FDCWD, path, mode);
}

int unlinkat(int folder, const char *path, int flags) {
    if (on_path(REMOVE, path) != NOTHING) return refuse();
    uint64_t removed = inode_of(folder, path);
    int result = (int)syscall(SYS_unlinkat, folder, path, flags);
    if (!result) forget(removed);
    return result;
}

int unlink(const char *path) {
    return unlinkat(AT_FDCWD, path, 0);
}

int rmdir(const char *path) {
    return unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}
