"""Prints the order of the program's functions for the linker: first those that a start runs, then the hot ones of the profile.

function_order.py PROGRAM CALLS COUNTS: CALLS is what callgrind has written of a start (--demangle=no), COUNTS what llvm-profdata
prints of the profile (show --all-functions --counts). Functions that the program does not have are left out.
"""

import re
import subprocess
import sys

# Executions of its hottest part from which on a function is hot.
HOT = 20_000


def symbols(program):
    """The program's functions, by their names without the suffix that link-time optimisation adds."""
    lines = subprocess.run(["nm", program], check=True, capture_output=True, text=True).stdout.splitlines()
    parts = (line.split() for line in lines)
    names = [part[2] for part in parts if len(part) == 3 and part[1] in "tT"]
    return {re.sub(r"\.llvm\.\d+$", "", name): name for name in names}


def started(calls):
    """The functions that ran, in the order in which they are written."""
    with open(calls, encoding="utf-8") as lines:
        for line in lines:
            named = re.match(r"c?fn=\(\d+\) ([^']+)", line)
            if named:
                yield re.sub(r"\.llvm\.\d+$", "", named[1].strip())


def hot(counts):
    """The hot functions, the hottest first."""
    found = {}
    name = None
    with open(counts, encoding="utf-8") as lines:
        for line in lines:
            if heading := re.match(r"  (\S.*):$", line):
                name = heading[1].rsplit(";", 1)[-1]
            elif numbers := re.match(r"    Block counts: \[(.*)\]", line):
                found[name] = max((int(number) for number in numbers[1].split(",") if number.strip()), default=0)
    return sorted((name for name, count in found.items() if count >= HOT), key=lambda name: -found[name])


def main():
    program, calls, counts = sys.argv[1:]
    functions = symbols(program)
    for name in dict.fromkeys([*started(calls), *hot(counts)]):
        if name in functions:
            print(functions[name])


main()
