"""Makes a sandbox around one process and becomes its keeper: run as a file, with a JSON order as its argument.

It stands alone (standard library, started with -I -S) because it starts with every environment: about ten milliseconds.
The keeper outside the new process namespace dies with the region, the first process inside dies with the keeper, and
the kernel then ends everything else in the namespace, however often it forked.
"""

import contextlib
import ctypes
import errno
import json
import os
import resource
import sys
from typing import NoReturn, TypedDict

NEW_NAMESPACES = 0x00020000 | 0x20000000 | 0x08000000 | 0x04000000  # mount, process, IPC, UTS
NEW_USER = 0x10000000
RDONLY, NOSUID, NODEV, REMOUNT, BIND, REC, PRIVATE = 1, 2, 4, 32, 4096, 16384, 1 << 18
DETACH = 2
SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
SYS_MOUNT_SETATTR = 442
PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38
SANDBOX_UID = 993
FIRST_UID = 1_900_000_000
ROOT = "/proc"  # a folder that every machine has and that no bind comes from: the new root is built over it
SYSTEM = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/usr", "/nix", "/gnu/store")
SETTINGS = (
    *("alternatives", "ca-certificates", "fonts", "gai.conf", "host.conf", "hosts", "ld.so.cache", "ld.so.conf"),
    *("ld.so.conf.d", "localtime", "mime.types", "nsswitch.conf", "pki", "protocols", "resolv.conf", "services", "ssl"),
)
DEVICES = ("null", "zero", "full", "random", "urandom")

libc = ctypes.CDLL(None, use_errno=True)


class Order(TypedDict):
    """What the region asks for."""

    mode: str
    parent: int
    command: list[str]
    environment: dict[str, str]
    folder: str
    binds: list[tuple[str, str]]
    layers: list[str]
    language: str
    tmp_mb: int
    socket: int
    processes: int
    files: int
    cgroup: str


def check(result: int, what: str) -> None:
    """Raises what the C library reports."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def mount(source: str | None, target: str, kind: str | None = None, flags: int = 0, options: str | None = None) -> None:
    """mount(2)."""
    encoded = [None if text is None else text.encode() for text in (source, target, kind, options)]
    check(libc.mount(encoded[0], encoded[1], encoded[2], ctypes.c_ulong(flags), encoded[3]), f"mount {source} on {target}")


def bind(source: str, target: str) -> bool:
    """Shows a file or folder of the machine inside the new root; one that isn't there is left out."""
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    elif os.path.exists(source):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.close(os.open(target, os.O_CREAT, 0o644))
    else:
        return False
    mount(source, target, None, BIND | REC)
    return True


def merge(layers: list[str], target: str) -> None:
    """Layers lie over each other in /opt, later ones on top: one is bound, several are an overlay, or copied where there is none."""
    os.makedirs(target, exist_ok=True)
    if len(layers) == 1:
        mount(layers[0], target, None, BIND | REC)
    elif layers:
        if not any(set(":,\\") & set(layer) for layer in layers):
            try:
                return mount("overlay", target, "overlay", RDONLY, "lowerdir=" + ":".join(reversed(layers)))
            except OSError:
                pass  # no overlay in this kernel or in this kind of namespace
        import shutil  # rarely needed, and it costs as much as everything else here

        for layer in layers:
            shutil.copytree(layer, target, symlinks=True, dirs_exist_ok=True)
    return None


def read_only(root: str, targets: list[str]) -> None:
    """Nothing below the root can be written: one call since Linux 5.12, each mount by itself before."""
    attributes = (ctypes.c_uint64 * 4)(RDONLY | NOSUID, 0, 0, 0)
    if libc.syscall(SYS_MOUNT_SETATTR, -100, root.encode(), 0x8000, attributes, 32) == 0:
        return
    for target in [*targets, root]:
        kept = os.statvfs(target).f_flag & (NOSUID | NODEV | 8)
        mount(None, target, None, REMOUNT | BIND | RDONLY | NOSUID | kept)


def build_root(order: Order, uid: int) -> None:
    """A root with the system's programs, the code, the layers and nothing else of the machine; /tmp alone can be written."""
    mount(None, "/", None, REC | PRIVATE)
    mount("tmpfs", ROOT, "tmpfs", NOSUID, "mode=755")
    bound: list[str] = []
    for path in SYSTEM:
        if os.path.islink(path):
            os.symlink(os.readlink(path), ROOT + path)
        elif bind(path, ROOT + path):
            bound.append(ROOT + path)
    shell = os.path.realpath("/bin/sh")
    if os.path.basename(shell) == "dash" and bind("/bin/bash", ROOT + shell):
        bound.append(ROOT + shell)  # Amazon Linux's sh is bash, and AWS's own examples rely on it
    bound += [f"{ROOT}/etc/{name}" for name in SETTINGS if bind(f"/etc/{name}", f"{ROOT}/etc/{name}")]
    for name in DEVICES:
        bind(f"/dev/{name}", f"{ROOT}/dev/{name}")
    for name, link in (("fd", "/proc/self/fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")):
        os.symlink(link, f"{ROOT}/dev/{name}")
    merge(order["layers"], ROOT + "/opt")
    for source, target in order["binds"]:
        if bind(source, ROOT + target):
            bound.append(ROOT + target)
    user = f"root:x:0:0:root:/root:/bin/sh\nsbx_user1051:x:{uid}:{uid}::/home/sbx_user1051:/sbin/nologin\n"
    for name, text in (("passwd", user), ("group", f"root:x:0:\nsbx_user1051:x:{uid}:\n")):
        with open(f"{ROOT}/etc/{name}", "w") as file:
            file.write(text)
    for name in ("tmp", "proc", "home/sbx_user1051", "var/lang"):
        os.makedirs(f"{ROOT}/{name}", exist_ok=True)
    if order["language"]:
        # Where AWS's runtimes have their language, as programs of layers name it (CDK's AWS CLI begins with #!/var/lang/bin/python).
        for name in ("bin", "lib"):
            os.symlink(f"{order['language']}/{name}", f"{ROOT}/var/lang/{name}")
    read_only(ROOT, bound)
    mount("proc", ROOT + "/proc", "proc", NOSUID | NODEV | 8)
    mount("tmpfs", ROOT + "/tmp", "tmpfs", NOSUID | NODEV, f"mode=1777,size={order['tmp_mb']}m")
    os.chdir(ROOT)
    check(libc.syscall(SYS_PIVOT_ROOT[os.uname().machine], b".", b"."), "pivot_root")
    check(libc.umount2(b".", DETACH), "umount")
    os.chdir("/")


def set_limits(order: Order) -> None:
    """Lambda's own: 1,024 file descriptors, 1,024 processes and threads (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html)."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for limit, value in ((resource.RLIMIT_NOFILE, order["files"]), (resource.RLIMIT_NPROC, order["processes"])):
        if value:
            hard = resource.getrlimit(limit)[1]
            allowed = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(limit, (allowed, allowed))


def become(order: Order, group: int) -> NoReturn:
    """Turns this process into the runtime."""
    if group >= 0:
        os.write(group, b"0")
        os.close(group)
    try:
        os.chdir(order["folder"])
        set_limits(order)
        if order["socket"] >= 0:
            os.set_inheritable(order["socket"], True)
        os.execve(order["command"][0], order["command"], order["environment"])
    except OSError as error:
        os.write(2, f"fork/exec {order['command'][0]}: {(error.strerror or '').lower()}\n".encode())
        os._exit(127 if error.errno == errno.ENOENT else 126)  # as a shell does


def wait_for(child: int) -> NoReturn:
    """Reaps whatever ends, and ends with the child as a shell would report it."""
    while True:
        ended, status = os.waitpid(-1, 0)
        if ended == child:
            code = os.waitstatus_to_exitcode(status)
            os._exit(code if code >= 0 else 128 - code)


def inside(order: Order, uid: int, group: int, keeper: int) -> NoReturn:
    """The first process of the namespace: builds the root, gives up its rights, starts the runtime and reaps orphans."""
    try:
        build_root(order, uid)
        if order["mode"] == "uid":
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
        libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        libc.prctl(PR_SET_PDEATHSIG, 9, 0, 0, 0)  # only now: changing the user clears it
        if keeper_is_gone(keeper):
            os._exit(0)
    except (OSError, KeyError) as error:
        os.write(2, f"windtunnel: no sandbox: {error}\n".encode())
        os._exit(125)
    child = os.fork()
    if not child:
        become(order, group)
    close_after_fork(order, group)
    wait_for(child)


def keeper_is_gone(keeper: int) -> bool:
    """Whether the launcher died before its death could be watched: the pipe it held is then at its end."""
    os.set_blocking(keeper, False)
    try:
        return os.read(keeper, 1) == b""
    except BlockingIOError:
        return False
    finally:
        os.close(keeper)


def close_after_fork(order: Order, group: int) -> None:
    """The runtime alone holds the socket, so that its end is the socket's end."""
    for handle in (order["socket"], group):
        if handle >= 0:
            os.close(handle)


def main() -> NoReturn:
    order: Order = json.loads(sys.argv[1])
    libc.prctl(PR_SET_PDEATHSIG, 9, 0, 0, 0)
    if os.getppid() != order["parent"]:
        os._exit(0)  # the region died before it could be watched
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("500")  # if the machine itself runs out of memory, functions go before the region
    group = os.open(order["cgroup"] + "/cgroup.procs", os.O_WRONLY) if order["cgroup"] else -1
    if order["mode"] == "plain":
        become(order, group)
    try:
        uid = SANDBOX_UID
        if order["mode"] == "uid":
            uid = FIRST_UID + os.getpid()  # one user for each sandbox: the limit of processes is counted by user
            check(libc.unshare(NEW_NAMESPACES), "unshare")
        else:
            outer_uid, outer_gid = os.geteuid(), os.getegid()
            check(libc.unshare(NEW_NAMESPACES | NEW_USER), "unshare")
            for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {outer_uid} 1"), ("gid_map", f"{uid} {outer_gid} 1")):
                with open(f"/proc/self/{name}", "w") as file:
                    file.write(text)
        check(libc.sethostname(b"169.254.10.1", 12), "sethostname")
    except OSError as error:
        os.write(2, f"windtunnel: no sandbox: {error}\n".encode())
        os._exit(125)
    keeper, held = os.pipe()
    first = os.fork()
    if not first:
        os.close(held)
        inside(order, uid, group, keeper)
    os.close(keeper)
    close_after_fork(order, group)
    wait_for(first)


if __name__ == "__main__":
    main()
