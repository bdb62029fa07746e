"""The live page in a browser: new rows and responses appear by themselves, and what a reader has set stays."""

import json
import random
import socket
import threading
import time

import pytest
from browsing import wait_until
from made_runs import Made, make, row, write_responses

from recipes.report.page import follow, live, method_weight


@pytest.fixture(autouse=True)
def no_weights(monkeypatch):
    monkeypatch.setattr(method_weight, "weight_figure", lambda run: (None, None))


@pytest.fixture
def serve(monkeypatch):
    """`serve(folder)` → address of a live page that asks often."""
    monkeypatch.setattr(follow, "EVERY", 0.3)
    servers = []

    def start(folder):
        listener = socket.create_server(("127.0.0.1", 0))
        server = live.server(follow.FollowedRun(folder), "127.0.0.1")
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        servers.append((server, thread))
        while not server.started:
            time.sleep(0.02)
        return f"http://127.0.0.1:{listener.getsockname()[1]}/"

    yield start
    for server, thread in servers:
        server.should_exit = True
        thread.join(10)


def add_step(folder, step):
    chance, made = random.Random(step), Made(steps=60, every=20)
    write_responses(folder, made, "train", step, chance)
    with (folder / "metrics.jsonl").open("a") as file:
        file.write(json.dumps({"step": step, "data": row(made, step, chance)}) + "\n")


def last_point(page):
    return page.evaluate("document.querySelector('#chart-reward .plot').data.at(-1).x.at(-1)")


def test_what_is_appended_appears_and_what_is_set_stays(tmp_path, serve, watched):
    run = make(tmp_path / "run", Made(steps=30, every=0, planned=60, status="running"))
    address = serve(run)
    watch = watched()
    page = watch.show(address)
    page.wait_for_selector("#live:text-is('live')")
    page.evaluate("redraw(true)")
    assert last_point(page) == 30
    page.click("text=Dark")
    page.select_option("[name=outcome]", "right")
    page.evaluate("Plotly.relayout(document.querySelector('#chart-entropy .plot'), {'xaxis.range': [5, 40]})")
    page.evaluate("scrollTo({ top: 700, behavior: 'instant' })")
    add_step(run, 31)
    wait_until(page, "document.querySelector('.lead').textContent.includes('for 31 of 60 steps')")
    page.evaluate("redraw(true)")
    assert last_point(page) == 31
    assert page.evaluate("document.querySelector('#chart-reward .plot').layout.xaxis.range") == [5, 40]
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert page.input_value("[name=outcome]") == "right" and abs(page.evaluate("scrollY") - 700) < 40
    page.select_option("[name=outcome]", "")
    page.fill("[name=first]", "31")
    wait_until(page, "document.querySelector('#found').textContent.startsWith('16 ')")
    page.click("#rows .open >> nth=0")
    page.wait_for_selector("dialog[open] .text")
    watch.assert_quiet(address)


def test_a_new_metric_gets_a_card(tmp_path, serve, watched):
    run = make(tmp_path / "run", Made(steps=19, every=0, planned=60, status="running"))
    page = watched().show(serve(run))
    assert page.locator("#chart-accuracy").count() == 0
    add_step(run, 20)
    page.wait_for_selector("#chart-accuracy")


def test_a_run_that_begins_later_appears(tmp_path, serve, watched):
    watch = watched()
    address = serve(tmp_path / "run")
    page = watch.show(address)
    assert page.inner_text(".title .pill") == "not begun"
    make(tmp_path / "run", Made(steps=3, every=0, planned=60, status="running"))
    page.wait_for_selector(".pill:text-is('running')")
    page.wait_for_selector("#chart-reward")
    watch.assert_quiet(address)


def test_a_server_that_has_ended_is_said(tmp_path, serve, watched):
    run = make(tmp_path / "run", Made(steps=3, every=0, status="finished"))
    page = watched().show(serve(run))
    page.wait_for_selector("#live:text-is('live, the run has ended')")
    page.route("**/news*", lambda route: route.abort())
    page.wait_for_selector("#live.lost")
