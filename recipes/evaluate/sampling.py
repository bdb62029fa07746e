"""Drawing the samples that are missing, or taking them from a file."""

import asyncio
import hashlib
import secrets
from collections.abc import Collection
from pathlib import Path
from typing import Any

from rich.console import Console

from recipes.checks import reward
from recipes.common import processes, progress_bar
from recipes.common.errors import Failure, UserError
from recipes.common.truncation import is_truncated, stop_tokens
from recipes.evaluate import engine, problems
from recipes.evaluate.evaluation import Evaluation
from recipes.evaluate.row_file import SAMPLE, Key, RowFile, key_of, read_rows


def complete(evaluation: Evaluation, shown: Console) -> None:
    """Draw, or read from a file, the samples that are not there yet."""
    with RowFile(evaluation.folder.samples, SAMPLE) as rows:
        if rows.dropped:
            shown.print(
                f"{evaluation.folder.samples}: the last row was cut off ({rows.dropped:,} bytes); it is drawn again"
            )
        if evaluation.config.responses:
            _import(evaluation, rows, shown)
            return
        missing = [key for key in evaluation.keys if key not in rows.keys]
        if not missing:
            return
        if rows.keys:
            shown.print(
                f"continuing {evaluation.folder.path}: {len(missing):,} of {len(evaluation.keys):,} samples to go"
            )
        _sample(evaluation, rows, missing, shown)


def _import(evaluation: Evaluation, rows: RowFile, shown: Console) -> None:
    source = Path(evaluation.config.responses).expanduser()
    if not source.is_file():
        raise UserError(f"responses={source}: there is no such file. Give a JSON-lines file of responses.")
    seen = {key_of(row): hash(row["response"]) for row in read_rows(evaluation.folder.samples, SAMPLE)}
    unknown: list[Key] = []
    number, samples = 0, evaluation.settings["samples"]
    for number, row in enumerate(read_rows(source, SAMPLE), start=1):
        key, where = key_of(row), f"responses={source}, row {number}"
        if seen.setdefault(key, hash(row["response"])) != hash(row["response"]):
            raise UserError(
                f"{where}: sample {key[2]} of problem {key[1]} of {key[0]} has another response above, or in "
                f"{evaluation.folder.samples}. Give each sample a number of its own, or write name=<a new name>."
            )
        problem = evaluation.problems.get(key[:2])
        if problem is None:
            unknown.append(key)
        elif key[2] >= samples:
            raise UserError(
                f"{where}: sample {key[2]}, and eval.samples={samples} asks for 0 to {samples - 1} of each problem. "
                f"Write eval.samples={key[2] + 1}, or leave the row out."
            )
        elif key not in rows.keys:
            rows.append(_row(problem, key, row["response"], row.get("tokens"), bool(row.get("truncated")), None))
    if not number:
        raise UserError(f"responses={source}: no rows. Write responses=<a JSON-lines file that holds responses>.")
    if unknown:
        _say_unknown(evaluation, source, unknown, bool(rows.keys), shown)


def _say_unknown(evaluation: Evaluation, source: Path, unknown: list[Key], any_known: bool, shown: Console) -> None:
    """Rows of other problems are left out, and said; nothing but such rows is a mistake."""
    benchmark, problem, _ = unknown[0]
    said = f"responses={source}: {len(unknown):,} rows are of no problem here, for one {problem} of {benchmark}"
    if any_known:
        shown.print(f"{said}; they are left out", markup=False)
        return
    known = ", ".join(dict.fromkeys(one for one, _ in evaluation.problems))
    raise UserError(f"{said}, and none is. Write benchmark ({known}) and problem as eval.files and its ids have them.")


def _row(
    problem: problems.Problem, key: Key, response: str, tokens: int | None, truncated: bool, seed: int | None
) -> dict[str, Any]:
    """A sample with everything that is needed to score it again."""
    benchmark, name, sample = key
    return {
        "benchmark": benchmark,
        "problem": name,
        "sample": sample,
        "prompt": list(problem.messages),
        "golds": list(problem.golds),
        "task": {key: value for key, value in vars(problem.task).items() if value},
        "seed": seed,
        "tokens": tokens,
        "truncated": truncated,
        "response": response,
    }


def seed_of(base: int | None, key: Key) -> int | None:
    """The seed of one sample: a hash, so that neighbours have nothing in common; 31 bits."""
    if base is None:
        return None
    return int.from_bytes(hashlib.sha256(repr((base, *key)).encode()).digest()[:4], "big") >> 1


def engine_seed(base: int | None, drawn: int) -> int:
    """The first engine's seed: another one in a continued evaluation, or it would repeat what was drawn first."""
    found = seed_of(base, ("engine", "", drawn))
    return secrets.randbits(31) if found is None else found


def _sample(evaluation: Evaluation, rows: RowFile, missing: list[Key], shown: Console) -> None:
    import ray

    from recipes.common.console import chatter_to, root_cause

    base, each = evaluation.settings["seed"], evaluation.settings["seed_per_sample"]
    config = engine.rollout_config(evaluation.config, engine_seed(base, len(rows.keys)))
    log = evaluation.folder.log
    tokenizer = reward.load_tokenizer(config.actor_rollout_ref.model)
    stops = stop_tokens(tokenizer, config.actor_rollout_ref.model)
    prompts = _prompts(evaluation, tokenizer)
    requests = [engine.Request(key, prompts[key[:2]], seed_of(base, key) if each else None) for key in missing]
    shown.print(f"evaluation  {evaluation.folder.path}\nlog file    {log}")
    processes.adopt_orphans()
    failure: Exception | None = None
    with chatter_to(log) as console:
        try:
            with progress_bar.waiting(console, "starting Ray"):
                engine.start_ray(config)
            total = len(evaluation.keys)
            with progress_bar.counting(console, "samples", total, total - len(missing)) as counter:

                def started(engines: int) -> None:
                    counter.say(f"engines: {engines}")

                def done(sample: engine.Sample) -> None:
                    rows.append(_drawn(evaluation, tokenizer, stops, sample))
                    counter.advance()

                counter.say("starting vLLM")
                asyncio.run(engine.generate(config, requests, started, done))
        except UserError:
            raise
        except Exception as error:  # whatever it was, its processes must end and the person be told
            failure = error
        finally:
            ray.shutdown()
            processes.end_descendants()
    if failure is not None:
        why = "\n".join(f"  {line}" for line in root_cause(log)) or f"  {type(failure).__name__}: {failure}"
        raise Failure(f"sampling failed; the log says first:\n{why}\nWhole log: {log}") from failure


def _prompts(evaluation: Evaluation, tokenizer: Any) -> dict[tuple[str, str], list[int]]:
    prompts = {}
    limit = evaluation.settings["max_prompt_tokens"]
    for name, problem in evaluation.problems.items():
        try:
            ids = tokenizer.apply_chat_template(
                list(problem.messages), add_generation_prompt=True, tokenize=True, return_dict=False
            )
        except ValueError as error:  # a base model without a template
            raise UserError(f"{evaluation.model and evaluation.model.path}: {error}") from error
        if len(ids) > limit:
            raise UserError(f"eval.max_prompt_tokens={limit}: {name[0]} {name[1]} has {len(ids)}. Write a larger one.")
        prompts[name] = list(ids)
    return prompts


def _drawn(evaluation: Evaluation, tokenizer: Any, stops: Collection[int], sample: engine.Sample) -> dict[str, Any]:
    problem, tokens = evaluation.problems[sample.request.key[:2]], sample.tokens
    truncated = is_truncated(tokens, evaluation.settings["max_response_tokens"], stops)
    text = tokenizer.decode(tokens, skip_special_tokens=True)  # as verl decodes what it trains on
    return _row(problem, sample.request.key, text, len(tokens), truncated, sample.request.seed)
