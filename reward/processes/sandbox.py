"""What a scoring process gives up before it reads text that a model wrote.

sympy evaluates Python expressions built from that text, so it is untrusted input.

Everywhere (POSIX resource limits): memory, CPU time per job, no bytes into any file, no core dump, few open files.
On Linux on x86-64 also (seccomp filter, https://man7.org/linux/man-pages/man2/seccomp.2.html): no network, no new
process or program, no signal to another process, nothing written, created, renamed or deleted in the file system, no
limit lifted, no setting of the machine changed, even for root. Files may still be read, since Python imports lazily;
nothing read can leave but through the verdict.
"""

import ctypes
import errno
import os
import platform
import resource
import signal
import struct
from collections.abc import Iterator

OPEN_FILES = 64
# Linux constants: include/uapi/linux/{prctl,seccomp,filter,audit}.h
PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 1, 38, 22, 2
AUDIT_ARCH_X86_64, X32_BIT = 0xC000003E, 0x40000000
ALLOW, REFUSE = 0x7FFF0000, 0x00050000 | errno.EPERM
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
NUMBER, ARCH, ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data
CLONE_THREAD = 0x00010000
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
# x86-64 numbers (arch/x86/entry/syscalls/syscall_64.tbl).
REFUSED_CALLS = """
    socket 41  connect 42  accept 43  sendto 44  sendmsg 46  bind 49  listen 50  socketpair 53  accept4 288
    sendmmsg 307

    fork 57  vfork 58  execve 59  execveat 322  kill 62  rt_sigqueueinfo 129  tkill 200  rt_tgsigqueueinfo 297
    ptrace 101  process_vm_readv 310  process_vm_writev 311  pidfd_send_signal 424  pidfd_open 434
    pidfd_getfd 438  setpriority 141  sched_setparam 142  sched_setscheduler 144  sched_setaffinity 203
    ioprio_set 251  sched_setattr 314

    truncate 76  ftruncate 77  rename 82  mkdir 83  rmdir 84  creat 85  link 86  unlink 87  symlink 88  chmod 90
    fchmod 91  chown 92  fchown 93  lchown 94  mknod 133  mkdirat 258  mknodat 259  fchownat 260  unlinkat 263
    renameat 264  linkat 265  symlinkat 266  fchmodat 268  open_by_handle_at 304  renameat2 316  openat2 437
    fchmodat2 452  utime 132  utimes 235  futimesat 261  utimensat 280  mq_open 240  mq_unlink 241  setxattr 188
    lsetxattr 189  fsetxattr 190  removexattr 197  lremovexattr 198  fremovexattr 199

    pivot_root 155  chroot 161  acct 163  settimeofday 164  mount 165  umount2 166  swapon 167  swapoff 168
    reboot 169  sethostname 170  setdomainname 171  iopl 172  ioperm 173  init_module 175  delete_module 176
    quotactl 179  adjtimex 159  clock_settime 227  clock_adjtime 305  kexec_load 246  kexec_file_load 320
    finit_module 313  add_key 248  request_key 249  keyctl 250  unshare 272  setns 308  open_tree 428
    move_mount 429  fsopen 430  fsconfig 431  fsmount 432  fspick 433  mount_setattr 442  perf_event_open 298
    bpf 321  userfaultfd 323  io_uring_setup 425
"""
REFUSED = tuple(int(word) for word in REFUSED_CALLS.split()[1::2])
OPEN, OPENAT, CLONE, CLONE3, TGKILL, IOCTL, SETRLIMIT, PRLIMIT = 2, 257, 56, 435, 234, 16, 160, 302
TYPE_INTO_TERMINAL = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX


def seccomp_available() -> bool:
    """Whether the system call filter exists for this machine."""
    return platform.system() == "Linux" and platform.machine() == "x86_64"


def enter(memory_bytes: int) -> None:
    """Give up for the rest of this process whatever scoring does not need.

    Args:
        memory_bytes: bound on the address space.

    Raises:
        OSError: the kernel refuses the filter.
    """
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    for limit, value in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
    ):
        resource.setrlimit(limit, (value, value))
    if platform.system() == "Linux":
        _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # no orphan outlives who started it
    if seccomp_available():
        _install_filter()


def limit_cpu(seconds: float) -> None:
    """End this process (SIGXCPU) once it has used so much more CPU time; a later call moves the limit."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    limit = int(used.ru_utime + used.ru_stime + seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _prctl(option: int, *arguments: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    padded = [ctypes.c_ulong(argument) for argument in (*arguments, 0, 0, 0, 0)[:4]]
    if libc.prctl(option, *padded) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"prctl({option}): {os.strerror(code)}")


def _install_filter() -> None:
    program = b"".join(_instructions())
    code = ctypes.create_string_buffer(program)
    # struct sock_fprog {unsigned short len; struct sock_filter *filter;}
    header = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(code)))
    _prctl(PR_SET_NO_NEW_PRIVS, 1)
    _prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(header))


def _instructions() -> Iterator[bytes]:
    """The filter in classic BPF: jumps are (instruction, value, skip if true, skip if false)."""

    def step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
        return struct.pack("HBBI", code, if_true, if_false, value)

    yield step(LOAD, ARCH)
    yield step(EQUAL, AUDIT_ARCH_X86_64, 1, 0)
    yield step(RETURN, REFUSE)
    yield step(LOAD, NUMBER)
    yield step(AT_LEAST, X32_BIT, 0, 1)  # the x32 calls have other numbers
    yield step(RETURN, REFUSE)
    for number in (*REFUSED, CLONE3):
        yield step(EQUAL, number, 0, 1)
        yield step(RETURN, REFUSE if number != CLONE3 else 0x00050000 | errno.ENOSYS)  # then libc uses clone
    for number, argument in ((OPEN, 1), (OPENAT, 2)):
        yield step(EQUAL, number, 0, 4)
        yield step(LOAD, ARGUMENTS + 8 * argument)
        yield step(ANY_BIT, WRITING, 0, 1)
        yield step(RETURN, REFUSE)
        yield step(RETURN, ALLOW)
    yield step(EQUAL, CLONE, 0, 4)
    yield step(LOAD, ARGUMENTS)
    yield step(ANY_BIT, CLONE_THREAD, 1, 0)
    yield step(RETURN, REFUSE)
    yield step(RETURN, ALLOW)
    yield step(EQUAL, TGKILL, 0, 4)  # abort() sends itself a signal
    yield step(LOAD, ARGUMENTS)
    yield step(EQUAL, os.getpid(), 1, 0)
    yield step(RETURN, REFUSE)
    yield step(RETURN, ALLOW)
    yield step(EQUAL, IOCTL, 0, 5)
    yield step(LOAD, ARGUMENTS + 8)
    yield step(EQUAL, TYPE_INTO_TERMINAL[0], 1, 0)
    yield step(EQUAL, TYPE_INTO_TERMINAL[1], 0, 1)
    yield step(RETURN, REFUSE)
    yield step(RETURN, ALLOW)
    yield step(EQUAL, SETRLIMIT, 0, 4)  # of the limits only that of CPU time moves, with every job
    yield step(LOAD, ARGUMENTS)
    yield step(EQUAL, resource.RLIMIT_CPU, 1, 0)
    yield step(RETURN, REFUSE)
    yield step(RETURN, ALLOW)
    yield step(EQUAL, PRLIMIT, 0, 10)
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
