"""What a scoring process gives up before it reads text that a model wrote.

sympy evaluates Python expressions built from that text, so it is untrusted input.

Everywhere (POSIX resource limits): memory, CPU time per job, no bytes into any file, no core dump, few open files; of
the files that its owner has open, its own socket only.
On Linux on x86-64 also (seccomp filter, https://man7.org/linux/man-pages/man2/seccomp.2.html): the system calls that
computing needs, and no other. So no network, no new process, program or thread, no signal to another process, nothing
written, created, renamed or deleted, no memory shared with others, no limit lifted, no setting of the machine changed,
even for root.
Where the kernel has Landlock (https://docs.kernel.org/userspace-api/landlock.html): files are read below Python's own
folders only, and nothing of another process. Elsewhere files may be read, since Python imports lazily; nothing read can
leave but through the verdict.
"""

import ctypes
import errno
import os
import platform
import resource
import signal
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

OPEN_FILES = 64
# Linux constants: include/uapi/linux/{prctl,seccomp,filter,audit,landlock}.h
PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 1, 38, 22, 2
AUDIT_ARCH_X86_64 = 0xC000003E
ALLOW, REFUSE, UNKNOWN = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
NUMBER, ARCH, ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
# x86-64 numbers (arch/x86/entry/syscalls/syscall_64.tbl): memory; descriptors it has; looking at files; time; waiting;
# signals of its own; what Python and libc ask about themselves.
ALLOWED_CALLS = """
    mmap 9  mprotect 10  munmap 11  brk 12  mremap 25  msync 26  mincore 27  madvise 28  membarrier 324

    read 0  write 1  close 3  lseek 8  pread64 17  readv 19  writev 20  dup 32  dup2 33  dup3 292  recvfrom 45
    close_range 436

    stat 4  fstat 5  lstat 6  access 21  getdents 78  getcwd 79  readlink 89  statfs 137  fstatfs 138  getdents64 217
    newfstatat 262  readlinkat 267  faccessat 269  statx 332  faccessat2 439

    gettimeofday 96  times 100  time 201  clock_gettime 228  clock_getres 229

    poll 7  select 23  sched_yield 24  pause 34  nanosleep 35  getitimer 36  alarm 37  setitimer 38  futex 202
    restart_syscall 219  clock_nanosleep 230  pselect6 270  ppoll 271

    rt_sigaction 13  rt_sigprocmask 14  rt_sigreturn 15  rt_sigpending 127  rt_sigsuspend 130  sigaltstack 131

    getpid 39  exit 60  uname 63  getrlimit 97  getrusage 98  sysinfo 99  getuid 102  getgid 104  geteuid 107
    getegid 108  getppid 110  arch_prctl 158  gettid 186  sched_getaffinity 204  set_tid_address 218  exit_group 231
    set_robust_list 273  getcpu 309  getrandom 318  rseq 334
"""
ALLOWED = tuple(int(word) for word in ALLOWED_CALLS.split()[1::2])
OPEN, OPENAT, TGKILL, IOCTL, FCNTL, SETRLIMIT, PRLIMIT = 2, 257, 234, 16, 72, 160, 302
# libc asks for these, and takes the older call that it knows when the kernel does not have them.
CLONE3, FIRST_NEW = 435, 450
# Is it a terminal, how wide, may it block, how much is there, is it inherited (include/uapi/asm-generic/ioctls.h).
IOCTLS = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)
# Duplicate, with and without inheriting it; flags of the descriptor and of the file (include/uapi/linux/fcntl.h).
FCNTLS = (0, 1, 2, 3, 4, 1030)
LANDLOCK_CREATE, LANDLOCK_ADD, LANDLOCK_RESTRICT = 444, 445, 446
LANDLOCK_ALL, LANDLOCK_READ_FILE, LANDLOCK_READ_DIR = (1 << 13) - 1, 1 << 2, 1 << 3  # of its first version
PATH_BENEATH = 1
DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom")


def seccomp_available() -> bool:
    """Whether the system call filter exists for this machine."""
    return platform.system() == "Linux" and platform.machine() == "x86_64"


def landlock_available() -> bool:
    """Whether the kernel restricts which files a process reads."""
    return seccomp_available() and _libc().syscall(LANDLOCK_CREATE, None, ctypes.c_size_t(0), 1) > 0


def close_files(channel: int) -> None:
    """Close what the process has open, but for its own socket; what it prints goes nowhere.

    Args:
        channel: descriptor of the socket.
    """
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    os.closerange(3, channel)
    os.closerange(channel + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])


def enter(memory_bytes: int) -> None:
    """Give up for the rest of this process whatever scoring does not need.

    Args:
        memory_bytes: bound on the address space.

    Raises:
        OSError: the kernel refuses the filter.
    """
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1")  # a library that is refused a thread may give up
    for limit, value in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
    ):
        resource.setrlimit(limit, (value, value))
    if platform.system() == "Linux":
        _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # no orphan outlives who started it
        _prctl(PR_SET_NO_NEW_PRIVS, 1)
    if landlock_available():
        _restrict_reading()
    if seccomp_available():
        _install_filter()


def limit_cpu(seconds: float) -> None:
    """End this process (SIGXCPU) once it has used so much more CPU time; a later call moves the limit."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    limit = int(used.ru_utime + used.ru_stime + seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _prctl(option: int, *arguments: int) -> None:
    padded = [ctypes.c_ulong(argument) for argument in (*arguments, 0, 0, 0, 0)[:4]]
    if _libc().prctl(option, *padded) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"prctl({option}): {os.strerror(code)}")


def _restrict_reading() -> None:
    """Landlock: from now on files are opened for reading only, below Python's folders, those of its path and libc's."""
    libc = _libc()
    handled = ctypes.c_uint64(LANDLOCK_ALL)  # struct landlock_ruleset_attr
    rules = libc.syscall(LANDLOCK_CREATE, ctypes.byref(handled), ctypes.c_size_t(8), 0)
    _checked(rules, "landlock_create_ruleset")
    for path in sorted({sys.prefix, sys.base_prefix, "/usr", "/lib", "/lib64", *DEVICES, *(sys.path or [])}):
        try:
            opened = os.open(path or ".", os.O_PATH)
        except OSError:  # an entry of the path that is not there
            continue
        access = LANDLOCK_READ_FILE | (LANDLOCK_READ_DIR if Path(path or ".").is_dir() else 0)
        rule = ctypes.create_string_buffer(struct.pack("=Qi", access, opened))  # struct landlock_path_beneath_attr
        _checked(libc.syscall(LANDLOCK_ADD, rules, PATH_BENEATH, rule, 0), "landlock_add_rule")
        os.close(opened)
    _checked(libc.syscall(LANDLOCK_RESTRICT, rules, 0), "landlock_restrict_self")
    os.close(rules)


def _checked(result: int, call: str) -> None:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{call}: {os.strerror(code)}")


def _install_filter() -> None:
    program = b"".join(_instructions())
    code = ctypes.create_string_buffer(program)
    # struct sock_fprog {unsigned short len; struct sock_filter *filter;}
    header = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(code)))
    _prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(header))


def _instructions() -> Iterator[bytes]:
    """The filter in classic BPF: jumps are (instruction, value, skip if true, skip if false)."""

    def step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
        return struct.pack("HBBI", code, if_true, if_false, value)

    def only(call: int, argument: int, values: tuple[int, ...]) -> Iterator[bytes]:
        """Allow the call if the lower half of this argument is one of these."""
        yield step(EQUAL, call, 0, len(values) + 3)
        yield step(LOAD, ARGUMENTS + 8 * argument)
        for left, value in zip(reversed(range(len(values))), values, strict=True):
            yield step(EQUAL, value, left + 1, 0)
        yield step(RETURN, REFUSE)
        yield step(RETURN, ALLOW)

    yield step(LOAD, ARCH)
    yield step(EQUAL, AUDIT_ARCH_X86_64, 1, 0)
    yield step(RETURN, REFUSE)
    yield step(LOAD, NUMBER)
    for number in ALLOWED:
        yield step(EQUAL, number, 0, 1)
        yield step(RETURN, ALLOW)
    for number, argument in ((OPEN, 1), (OPENAT, 2)):
        yield step(EQUAL, number, 0, 4)
        yield step(LOAD, ARGUMENTS + 8 * argument)
        yield step(ANY_BIT, WRITING, 0, 1)
        yield step(RETURN, REFUSE)
        yield step(RETURN, ALLOW)
    yield from only(TGKILL, 0, (os.getpid(),))  # abort() sends itself a signal
    yield from only(IOCTL, 1, IOCTLS)
    yield from only(FCNTL, 1, FCNTLS)
    yield from only(SETRLIMIT, 0, (resource.RLIMIT_CPU,))  # it moves with every job; the other limits do not
    yield step(EQUAL, PRLIMIT, 0, 11)
    yield step(LOAD, ARGUMENTS)
    yield step(EQUAL, 0, 1, 0)
    yield step(RETURN, REFUSE)
    yield step(LOAD, ARGUMENTS + 8)
    yield step(EQUAL, resource.RLIMIT_CPU, 5, 0)
    yield step(LOAD, ARGUMENTS + 16)
    yield step(EQUAL, 0, 0, 2)
    yield step(LOAD, ARGUMENTS + 20)
    yield step(EQUAL, 0, 1, 0)
    yield step(RETURN, REFUSE)
    yield step(RETURN, ALLOW)
    yield step(EQUAL, CLONE3, 1, 0)
    yield step(AT_LEAST, FIRST_NEW, 0, 1)
    yield step(RETURN, UNKNOWN)
    yield step(RETURN, REFUSE)
