"""The report in a browser: it draws, filters, opens texts, switches colours, fits a phone, and nothing leaves it."""

import json
import math
import re

import pytest
from browsing import wait_until
from made_runs import EDGES, METHODS, Made, make

from losses import metrics
from recipes.report.page import build

HOSTILE = "</script><script>window.pwned=1</script><img src=x onerror='window.pwned=1'>\u2028"


@pytest.fixture(scope="module", autouse=True)
def edges():
    """The edges of the made histogram."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(metrics, "RATIO_EDGES", EDGES, raising=False)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("pages")


@pytest.fixture(scope="module")
def finished(folder):
    build.write([make(folder / "one", Made())], folder / "one.html")
    return f"file://{folder}/one.html"


@pytest.fixture(scope="module")
def comparison(folder):
    made = [
        Made(method=method, name=f"made-up-{method}-seed0", lift=0.8 + 0.08 * place, seed=place, steps=120)
        for place, method in enumerate(METHODS)
    ]
    build.write([make(folder / one.method, one) for one in made], folder / "six.html")
    return f"file://{folder}/six.html"


def wait_for_plots(page, count):
    wait_until(page, f"document.querySelectorAll('.js-plotly-plot').length >= {count}")


def drawn_range(page, chart):
    return page.evaluate(f"document.querySelector('#chart-{chart} .plot').layout.xaxis.range")


def test_a_finished_run_is_told_and_drawn(finished, watched, picture):
    watch = watched()
    page = watch.show(finished)
    assert page.inner_text("h1") == "made-up-dgpo-seed0" and page.inner_text(".title .pill") == "finished"
    assert re.search(r"mean accuracy on 3 benchmarks rose from 4\d\.\d.% to 5\d\.\d.%", page.inner_text(".lead"))
    picture(page, "report-light")
    page.evaluate("redraw(true)")
    titles = page.locator("#charts h3:not(.section-name)").all_inner_texts()
    assert {"Reward", "Entropy", "KL divergence of an update", "Gradient norm", "What the scorer said"} <= set(titles)
    assert "MASPO's gate" not in titles and "Skipped updates" not in titles  # no data, nothing skipped
    assert page.locator("#charts .main-svg").count() > 20
    page.locator("#weight").scroll_into_view_if_needed()
    page.wait_for_selector("#weights .bars path")  # the histogram of the ratio
    watch.assert_quiet(finished)


def test_zooming_one_plot_zooms_all_and_smoothing_keeps_it(finished, watched):
    watch = watched()
    page = watch.show(finished)
    page.evaluate("redraw(true)")
    page.locator("#chart-entropy").scroll_into_view_if_needed()
    box = page.locator("#chart-entropy .nsewdrag").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 4, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 40, steps=8)
    page.mouse.up()
    wait_until(page, "document.querySelector('#chart-reward .plot').layout.xaxis.range[0] > 40")
    zoomed = drawn_range(page, "entropy")
    assert zoomed == pytest.approx([50, 100], abs=3) and drawn_range(page, "reward") == zoomed
    raw = page.evaluate("document.querySelector('#chart-reward .plot').data.length")
    page.fill("#smoothing", "0")
    wait_until(page, "document.querySelector('#smoothing-says').textContent === 'none'")
    page.evaluate("redraw(true)")
    assert raw == 2 and page.evaluate("document.querySelector('#chart-reward .plot').data.length") == 1
    assert drawn_range(page, "reward") == zoomed
    page.click("#whole")
    wait_until(page, "document.querySelector('#chart-reward .plot').layout.xaxis.range[0] < 2")
    watch.assert_quiet(finished)


def test_small_numbers_have_exponents_and_no_prefixes(finished, watched):
    """A learning rate of 200µ is nobody's."""
    page = watched().show(finished)
    page.locator("#chart-rate .plot").scroll_into_view_if_needed()
    ticks = "[...document.querySelectorAll('#chart-rate .ytick text')].map((tick) => tick.textContent)"
    wait_until(page, f"{ticks}.length > 1")
    assert not [tick for tick in page.evaluate(ticks) if re.search("[a-df-zµμ]", tick)]


def test_a_share_that_is_always_0_has_an_axis_of_shares(finished, watched):
    page = watched().show(finished)
    page.locator("#chart-truncated .plot").scroll_into_view_if_needed()
    plot = "document.querySelector('#chart-truncated .plot')"
    wait_until(page, f"{plot}.data?.length > 0")
    page.evaluate(f"Plotly.restyle({plot}, {{ y: {plot}.data.map((trace) => trace.y.map(() => 0)) }})")
    wait_until(page, f"{plot}.layout.yaxis.range[0] >= 0")


def test_filters_leave_what_they_name(finished, watched):
    watch = watched()
    page = watch.show(finished)
    everything = int(page.inner_text("#found").split()[0].replace(",", ""))
    assert everything == 200 * 16 + 11 * 16
    page.select_option("[name=outcome]", "truncated")
    wait_until(page, "document.querySelector('#found').textContent.includes(' of ')")
    assert set(page.locator("#rows tbody .pill").all_inner_texts()) == {"truncated"}
    page.select_option("[name=outcome]", "")
    page.select_option("[name=part]", "1")
    page.fill("[name=first]", "20")
    page.fill("[name=last]", "40")
    wait_until(page, "document.querySelector('#found').textContent.startsWith('32 ')")
    page.fill("[name=text]", "no such problem")
    page.wait_for_selector("text=No response matches.")
    watch.assert_quiet(finished)


def test_a_response_opens_with_its_formulas_by_keyboard(finished, watched, picture):
    watch = watched()
    page = watch.show(finished)
    page.focus("#rows .open >> nth=3")
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog[open] math")
    assert "</think>" in page.inner_text("#reader-body") or "Response" in page.inner_text("#reader-body")
    first = page.inner_text("#reader-title")
    page.keyboard.press("ArrowRight")
    wait_until(page, f"document.querySelector('#reader-title').textContent !== {json.dumps(first)}")
    picture(page, "report-response")
    page.uncheck("#formulas")
    page.wait_for_selector("dialog[open] math", state="detached")
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog[open]", state="detached")
    watch.assert_quiet(finished)


def test_pages_and_order_of_the_table(finished, watched):
    page = watched().show(finished)
    page.click("#next-page")
    assert page.inner_text("#page-says") == "26 to 50"
    page.click("[data-sort=length]")
    lengths = [int(text) for text in page.locator("#rows td.tokens").all_inner_texts()]
    assert lengths == sorted(lengths, reverse=True)
    assert page.get_attribute("#rows th.tokens", "aria-sort") == "descending"


def test_colours_follow_the_system_and_the_switch_and_are_remembered(finished, watched, picture):
    watch = watched(dark=True)
    page = watch.show(finished)
    theme = "document.documentElement.dataset.theme"
    assert page.evaluate(theme) == "dark"
    wait_for_plots(page, 3)
    picture(page, "report-dark")
    dark = page.evaluate("document.querySelector('.js-plotly-plot').layout.font.color")
    page.click("text=Light")
    assert page.evaluate(theme) == "light"
    assert page.evaluate("document.querySelector('.js-plotly-plot').layout.font.color") != dark
    assert watch.show(finished).evaluate(theme) == "light"
    watch.assert_quiet(finished)


@pytest.mark.parametrize("kind", ["finished", "comparison"])
def test_a_phone_scrolls_down_only(kind, request, watched, picture):
    address = request.getfixturevalue(kind)
    watch = watched(phone=True)
    page = watch.show(address)
    page.evaluate("redraw(true)")
    if kind == "finished":
        picture(page, "report-phone")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.locator("#rows .open >> nth=0").click()
    page.wait_for_selector("dialog[open]")
    assert page.evaluate("document.querySelector('#reader-body').scrollWidth <= 390")
    watch.assert_quiet(address)


def test_six_runs_side_by_side(comparison, watched, picture):
    watch = watched()
    page = watch.show(comparison)
    assert page.locator(".runs-table tbody tr").count() == 6
    picture(page, "report-comparison")
    page.locator("#weight").scroll_into_view_if_needed()
    wait_for_plots(page, 3)
    page.click("#run-legend button >> nth=1")
    page.evaluate("redraw(true)")
    names = page.evaluate("document.querySelector('#chart-entropy .plot').data.map((trace) => trace.name)")
    assert "made-up-maspo-seed0" not in names and "made-up-grpo-seed0" in names
    page.select_option("[name=run]", "2")
    wait_until(page, "document.querySelector('#found').textContent.includes(' of ')")
    keys = page.locator("#setting-tables tbody th").all_inner_texts()
    assert "actor_rollout_ref.actor.policy_loss.loss_mode" in keys and "verl" not in keys
    page.uncheck("#differences")
    page.fill("#find-setting", "verl")
    page.wait_for_selector("#setting-tables th:text-is('verl')")
    watch.assert_quiet(comparison)


def test_a_crashed_run_says_why_and_what_is_missing(folder, watched, picture):
    run = make(folder / "crashed", Made(status="failed", planned=200, steps=83))
    text = (run / "metrics.jsonl").read_text()
    (run / "metrics.jsonl").write_text(text[:-300])
    build.write([run], folder / "crashed.html")
    watch = watched()
    page = watch.show(f"file://{folder}/crashed.html")
    assert page.inner_text(".title .pill") == "failed" and "82 of 200 steps" in page.inner_text(".lead")
    assert "torch.OutOfMemoryError: CUDA out of memory" in page.inner_text(".boxes")
    assert "1 line of metrics.jsonl" in page.inner_text(".boxes")
    picture(page, "report-crashed")
    watch.assert_quiet(f"file://{folder}/crashed.html")


def test_hostile_text_is_only_shown(folder, watched):
    run = make(folder / "hostile", Made(steps=3, every=0, name=HOSTILE, extra={"trainer.project_name": HOSTILE}))
    formula = r"$\href{javascript:window.pwned=1}{x}$ $\htmlData{a=b}{y}$ $\frac{$ $\def\a{\a\a}\a$"
    formula += r" $\includegraphics{http://127.0.0.1:9/x.png}$"
    line = {
        "input": HOSTILE,
        "output": HOSTILE + formula,
        "gts": HOSTILE,
        "pred": HOSTILE,
        "status": HOSTILE,
        "score": 1,
    }
    (run / "generations" / "train" / "1.jsonl").write_text(json.dumps(line) + "\n")
    with (run / "metrics.jsonl").open("a") as file:
        data = {f"val-core/{HOSTILE}/acc/mean@4": 0.5, f"reward/status/{HOSTILE}": 0.1, "actor/entropy": math.nan}
        file.write(json.dumps({"step": 4, "data": data}) + "\n")
    build.write([run], folder / "hostile.html")
    watch = watched()
    page = watch.show(f"file://{folder}/hostile.html")
    page.evaluate("redraw(true)")
    page.click("#rows .open >> nth=0")
    page.wait_for_selector("dialog[open]")
    assert "</script><script>window.pwned=1</script><img" in page.inner_text("#reader-body")
    assert page.evaluate("window.pwned") is None and page.locator("img, a[href^=javascript]").count() == 0
    watch.assert_quiet(f"file://{folder}/hostile.html")


def test_a_run_without_anything_is_a_page_too(folder, watched):
    (folder / "empty").mkdir()
    build.write([folder / "empty"], folder / "empty.html")
    watch = watched()
    page = watch.show(f"file://{folder}/empty.html")
    assert page.inner_text(".title .pill") == "not begun" and "metrics.jsonl is missing" in page.inner_text(".boxes")
    watch.assert_quiet(f"file://{folder}/empty.html")


def test_without_katex_the_source_is_shown_and_said(folder, finished, watched, monkeypatch):
    monkeypatch.setattr(build, "_katex", lambda: None)
    build.write([folder / "one"], folder / "plain.html")
    page = watched().show(f"file://{folder}/plain.html")
    page.click("#rows .open >> nth=0")
    page.wait_for_selector("dialog[open]")
    assert page.locator("math").count() == 0 and "$" in page.inner_text("#reader-body")
    assert "KaTeX was not installed" in page.inner_text("#footer")


def test_printing_draws_every_plot(finished, watched):
    page = watched().show(finished)
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("plots.every((plot) => plot.node.classList.contains('js-plotly-plot'))")
    assert not page.is_visible(".bar") and not page.is_visible("#filters")
