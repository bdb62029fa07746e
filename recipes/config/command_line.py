"""What stands after `python -m <command>`: overrides, and of Hydra's flags those that make sense for one run."""

import argparse
from collections.abc import Iterable, Sequence
from typing import NoReturn

from omegaconf import Container, DictConfig, OmegaConf

from recipes.common.errors import UserError

# Flags of Hydra's that mean something else than one run with the command's own config.
ELSE = {
    ("-m", "--multirun"): "a command is one run. Write one command per value",
    ("-i", "--info"): "write --cfg job for the config, or --help for the choices",
    ("--dry-run", "--dry_run"): "write dry_run=true",
    ("-cn", "--config-name"): "a command has one config. Write --config-dir for files of your own beside ours",
    ("-cp", "--config-path"): "a command has one config. Write --config-dir for files of your own beside ours",
}


class Flags(argparse.Namespace):
    """A command line.

    Attributes:
        overrides: Hydra's, in their order.
        config_dir: folders with files of the user's own for Hydra's groups.
        cfg: print the config in place of running it; `resolve` with values for interpolations, `package` a part of it.
        help: print what can be written.
    """

    overrides: list[str]
    config_dir: list[str]
    cfg: str | None
    resolve: bool
    package: str | None
    help: bool


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message}. `{self.prog} --help` lists what can be written.")


def parse(words: Sequence[str], command: str) -> Flags:
    """Tell flags from overrides.

    Raises:
        UserError: a flag that is unknown, or means something else than one run.
    """
    for word in words:
        for names, advice in ELSE.items():
            if word.partition("=")[0] in names:
                raise UserError(f"{word}: {advice}.")
    return _parser(command).parse_intermixed_args(words, Flags())


def help_text(command: str, about: str, groups: Iterable[tuple[str, Sequence[str]]]) -> str:
    """What `--help` prints.

    Args:
        command: its module.
        about: what the command does and how it is called.
        groups: each with its choices.
    """
    parser = _parser(command)
    parser.description = about
    parser.epilog = "choices, written <group>=<choice>:\n" + "\n".join(
        f"  {group}: {', '.join(choices)}" for group, choices in groups
    )
    return parser.format_help()


def config_text(config: DictConfig, flags: Flags) -> str:
    """What `--cfg job` prints.

    Raises:
        UserError: there is no such part.
    """
    shown = OmegaConf.select(config, flags.package) if flags.package else config
    if shown is None:
        raise UserError(
            f"--package={flags.package}: the config has no such part. Write a key of it, as --package=data."
        )
    if not isinstance(shown, Container):
        return f"{shown}\n"
    header = f"# @package {flags.package}\n" if flags.package else ""
    return header + OmegaConf.to_yaml(shown, resolve=flags.resolve)


def _parser(command: str) -> _Parser:
    parser = _Parser(
        prog=f"python -m {command}",
        usage=f"python -m {command} [flags] [key=value ...]",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        add_help=False,
        allow_abbrev=False,
    )
    parser.add_argument("overrides", nargs="*", help="key=value, +key=value for a new key, ~key to take one away")
    parser.add_argument("--cfg", "-c", choices=["job"], help="print the composed config and start nothing")
    parser.add_argument("--resolve", action="store_true", help="with --cfg: values in place of ${...}")
    parser.add_argument("--package", "-p", help="with --cfg: a part of the config, as data")
    parser.add_argument(
        "--config-dir", "-cd", action="append", default=[], help="a folder of your own groups' files; may be repeated"
    )
    parser.add_argument("--help", "-h", action="store_true", help="print this")
    return parser
