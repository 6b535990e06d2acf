"""A disk that is full, and a disk that fails. What was answered 200 is kept, requests that need the disk are answered 500
or 503, and the service works again as soon as the disk does."""

import itertools
import pathlib
import subprocess
import time

from calls import Account, Calls, Tokens
from wire import Unanswered

FILE_SIZE = 512 * 1024
DISK_SIZE = "4m"
REQUESTS_WHILE_IT_FAILS = 60
# The calls by which the store reads and writes its files, and the errors that a failing disk returns. `when` is the
# first call that fails and the distance to the next one.
INJECTED = [
    "pwrite64:error=EIO:when=9+13", "pwrite64:error=ENOSPC:when=20+30", "pwrite64:error=EIO",
    "fdatasync,fsync:error=EIO", "fdatasync,fsync:error=EIO:when=2+3", "pread64:error=EIO", "pread64:error=EIO:when=2+5",
]


class Sufferer:
    """One service, and the accounts whose sign-ins and sign-outs it has answered."""

    def __init__(self, setting, prefix=()):
        self.setting, self.tokens = setting, Tokens(setting.stage)
        self.names = itertools.count()
        self.expected = {}
        self.start(prefix)

    def start(self, prefix=()):
        self.service = self.setting.serve(prefix)
        self.calls = Calls(self.setting.stage, self.tokens, self.service)

    def use(self, requests):
        """Signs accounts in, and every third one out again. Returns the statuses."""
        statuses = []
        for number in range(requests):
            account = Account(f"disk-{next(self.names)}", "ada")
            statuses.append(self.calls.exchange(account, "x").status)
            if statuses[-1] == 200:
                self.expected[account] = [200]
                if number % 3 == 0:
                    statuses.append(self.calls.sign_out(account).status)
                    # A sign-out that was not answered 2xx may have been stored or not.
                    self.expected[account] = [404] if statuses[-1] < 300 else [200, 404]
            else:
                self.expected[account] = [200, 404]
        self.service.assert_runs()
        return statuses

    def assert_works(self, when):
        """The service may need a moment until it uses the disk again."""
        deadline = time.monotonic() + 10
        while set(self.use(1)) - {200, 204}:
            assert time.monotonic() < deadline, f"{when}: the service does not work again"
            time.sleep(0.2)

    def assert_kept(self, when, also=None):
        """Compares what the service says with what it has answered. `also` is a status that is right for all accounts."""
        for account, right in self.expected.items():
            status = self.calls.get_token(account).status
            assert status in right or status == also, f"{when}: GetToken of {account.id} is {status} and has to be {right}"

    def check_after_kill(self, when):
        self.service.kill()
        self.start()
        self.assert_kept(f"{when}, after kill -9")


def show(statuses):
    return ", ".join(f"{statuses.count(status)} x {status}" for status in sorted(set(statuses)))


def assert_failed_rightly(statuses, when):
    assert set(statuses) <= {200, 204, 500, 503}, f"{when}: {show(statuses)}"


def limit(service, value):
    subprocess.run(["prlimit", f"--pid={service.process.pid}", f"--fsize={value}"], check=True)


def exceed_file_size(setting):
    """The store's file reaches a limit on file sizes (RLIMIT_FSIZE)."""
    sufferer = Sufferer(setting)
    before = sufferer.use(10)
    limit(sufferer.service, f"{FILE_SIZE}:unlimited")
    statuses = until_it_fails(sufferer, "file size")
    sufferer.assert_kept("file size")
    limit(sufferer.service, "unlimited:unlimited")
    sufferer.assert_works("file size")
    sufferer.check_after_kill("file size")
    print(f"file size limit of {FILE_SIZE >> 10} KiB: before {show(before)}; at the limit {show(statuses)}; "
          f"{len(sufferer.expected)} accounts as answered, also after kill -9")
    sufferer.service.stop()


def until_it_fails(sufferer, when):
    statuses = []
    while statuses.count(500) < 20:
        statuses += sufferer.use(10)
        assert len(statuses) < 20_000, f"{when}: nothing fails"
    assert_failed_rightly(statuses, when)
    return statuses


def fill_disk(setting, disk):
    """The file system of the store, a small one of its own, is full."""
    sufferer = Sufferer(setting)
    before = sufferer.use(10)
    filler = disk / "filler"
    try:
        with filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
    except OSError:
        pass
    statuses = until_it_fails(sufferer, "full disk")
    sufferer.assert_kept("full disk")
    filler.unlink()
    sufferer.assert_works("full disk")
    sufferer.check_after_kill("full disk")
    print(f"full disk of {DISK_SIZE}: before {show(before)}; while full {show(statuses)}; {len(sufferer.expected)} accounts "
          "as answered, also after kill -9")
    sufferer.service.stop()


def mount(disk):
    """Mounts a small file system. False if this process may not."""
    disk.mkdir(parents=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_SIZE}", "none", disk], capture_output=True)
    return mounted.returncode == 0


def unmount(disk):
    subprocess.run(["umount", disk], check=True)


def inject(setting, fault):
    """Lets the system calls of the store fail for some time."""
    sufferer = Sufferer(setting)
    before = sufferer.use(10)
    calls = fault.split(":")[0]
    files = [argument for name in ("", "-wal", "-shm") for argument in ("-P", str(setting.directory / f"bot-sso.db{name}"))]
    output = setting.directory / "strace.out"
    tracer = subprocess.Popen(["strace", "-f", "-qq", "-o", output, "-p", str(sufferer.service.process.pid), *files,
                               "-e", f"trace={calls}", "-e", f"inject={fault}"])
    try:
        wait_for_tracer(sufferer.service)
        try:
            statuses = sufferer.use(REQUESTS_WHILE_IT_FAILS)
            # What cannot be read is neither given nor called signed out.
            sufferer.assert_kept(fault, 503)
        except Unanswered as error:
            raise AssertionError(f"{fault}: {error}") from error
    finally:
        tracer.terminate()
        tracer.wait()
    assert_failed_rightly(statuses, fault)
    injected = output.read_text().count("(INJECTED)")
    assert injected > 0, f"{fault}: the service made no such call"
    sufferer.assert_works(fault)
    sufferer.check_after_kill(fault)
    print(f"{fault}: {injected} calls failed; before {show(before)}; meanwhile {show(statuses)}; "
          f"{len(sufferer.expected)} accounts as answered, also after kill -9")
    sufferer.service.stop()


def wait_for_tracer(service):
    """Waits until every thread of the service is traced."""
    deadline = time.monotonic() + 20
    while True:
        threads = list(pathlib.Path(f"/proc/{service.process.pid}/task").iterdir())
        if all("TracerPid:\t0" not in (thread / "status").read_text() for thread in threads):
            return
        assert time.monotonic() < deadline, "strace does not trace the service"
        time.sleep(0.05)
