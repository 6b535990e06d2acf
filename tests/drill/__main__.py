"""Runs drills: python3 tests/drill BINARY DIRECTORY LOGS SIZE DRILL..., where SIZE is `short` or `whole`. See scripts/drill.

Prints the figures of each drill. The exit code is 1 if a drill missed a bound.
"""

import os
import pathlib
import sys
import time

import clock_jumps
import everywhere
import hostile
import replicas
import store_faults
from kill_loop import KillLoop
from setting import Setting, private_file
from soak import Soak


class Drills:
    """The drills, and how large they are."""

    def __init__(self, binary, directory, logs, is_short):
        self.binary, self.directory, self.logs, self.is_short = binary, directory, logs, is_short

    def size(self, name, whole, short):
        return short if self.is_short else float(os.environ.get(name, whole))

    def setting(self, name, environment=None, store="bot-sso.db", **more):
        return Setting(name, self.binary, self.directory, self.logs, environment, store, **more)

    def kill(self):
        with self.setting("kill") as setting:
            KillLoop(setting).run(int(self.size("CYCLES", 1000, 6)))

    def everywhere(self):
        with self.setting("everywhere", sections=everywhere.configuration) as setting:
            private_file(setting.directory / "provider.secret", everywhere.CLIENT_SECRET)
            everywhere.SignOuts(setting).run(int(self.size("SIGN_OUTS", 100, 2)))

    def hostile(self):
        with self.setting("hostile") as setting:
            if self.is_short:
                # The machine may be busy with other tests.
                hostile.run(setting, hostile.Siege(1000, 4, 5.0), ["pipelined-spread", "dribble"])
            else:
                hostile.run(setting, hostile.Siege(int(self.size("CONNECTIONS", 3000, 0)), 30, 1.0), hostile.FORMS)

    def disk(self):
        with self.setting("file-size") as setting:
            store_faults.exceed_file_size(setting)
        disk = self.directory / "small-disk"
        if store_faults.mount(disk):
            try:
                with self.setting("full-disk", store=str(disk / "bot-sso.db")) as setting:
                    store_faults.fill_disk(setting, disk)
            finally:
                store_faults.unmount(disk)
        else:
            print("the full disk is left out: this user may not mount a small file system")

    def io(self):
        for number, fault in enumerate(store_faults.INJECTED[:2] if self.is_short else store_faults.INJECTED):
            with self.setting(f"io-{number}") as setting:
                store_faults.inject(setting, fault)

    def clock(self):
        self.directory.mkdir(parents=True, exist_ok=True)
        clock = clock_jumps.MovedClock(self.directory / "clock-offset", fake_time_library())
        with self.setting("clock", clock.environment) as setting:
            clock_jumps.Traveller(setting, clock).run()

    def replicas(self):
        """With `short` only what takes a few seconds."""
        replicas.kill_replicas(self, int(self.size("KILLS", 100, 2)))
        replicas.restart_redis(self)
        replicas.cut_off(self)
        replicas.skew_clocks(self, fake_time_library())
        if not self.is_short:
            replicas.pause_redis(self, 10)
            replicas.fail_over(self, wait_replicas=1)
            replicas.fail_over(self, wait_replicas=0)

    def soak(self):
        with self.setting("soak") as setting:
            Soak(setting).run(self.size("MINUTES", 60, 0.3))


def fake_time_library():
    return next(path for path in map(pathlib.Path, clock_jumps.LIBRARIES) if path.exists())


def main():
    binary, directory, logs = map(pathlib.Path, sys.argv[1:4])
    drills = Drills(binary.resolve(), directory.resolve(), logs.resolve(), sys.argv[4] == "short")
    failed = []
    for name in sys.argv[5:]:
        print(f"-- {name}", flush=True)
        begun = time.monotonic()
        try:
            getattr(drills, name)()
        except AssertionError as error:
            failed.append(name)
            print(f"the drill {name} failed: {error}")
        print(f"-- {name}: {time.monotonic() - begun:.0f} s", flush=True)
    if failed:
        print(f"failed: {', '.join(failed)}")
    sys.exit(1 if failed else 0)


main()
