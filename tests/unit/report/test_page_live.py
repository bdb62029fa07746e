"""The live page: told only what is new, and no way to anything else of the machine."""

import json
import socket
import threading
import time
import urllib.request
from contextlib import ExitStack

import psutil
import pytest
from made_runs import Made, make, row, write_responses
from starlette.testclient import TestClient

from recipes.common.errors import UserError
from recipes.report.page import follow, live, method_weight
from recipes.report.page.follow import FollowedRun


@pytest.fixture(autouse=True)
def no_weights(monkeypatch):
    monkeypatch.setattr(method_weight, "weight_figure", lambda run: (None, None))


@pytest.fixture
def folder(tmp_path):
    return make(tmp_path / "run", Made(steps=5, every=0, planned=20, status="running"))


def client_of(folder, host="127.0.0.1:8080"):
    return TestClient(live.application(FollowedRun(folder), "127.0.0.1"), base_url=f"http://{host}")


def cursor_of(page: str) -> str:
    return json.loads(page.split('id="data">')[1].split("</script>")[0])["live"]["cursor"]


def add_step(folder, step, chance):
    made = Made(steps=20, every=0)
    write_responses(folder, made, "train", step, chance)
    with (folder / "metrics.jsonl").open("a") as file:
        file.write(json.dumps({"step": step, "data": row(made, step, chance)}) + "\n")


@pytest.fixture
def chance():
    import random

    return random.Random(0)


def test_only_what_is_new_is_sent(folder, chance):
    client = client_of(folder)
    cursor = cursor_of(client.get("/").text)
    assert client.get("/news", params={"cursor": cursor}).status_code == 204
    add_step(folder, 6, chance)
    news = client.get("/news", params={"cursor": cursor}).json()
    (part,) = news["runs"]
    assert part["series"]["steps"] == [6] and [batch["count"] for batch in part["batches"]] == [16]
    assert client.get("/news", params={"cursor": news["cursor"]}).status_code == 204


def test_what_is_left_out_of_many_new_responses_is_said(folder, chance, monkeypatch):
    monkeypatch.setattr(follow, "MOST_PER_LOOK", 10)
    client = client_of(folder)
    cursor = cursor_of(client.get("/").text)
    add_step(folder, 6, chance)
    (part,) = client.get("/news", params={"cursor": cursor}).json()["runs"]
    assert (part["responses"]["shown"], part["responses"]["read"]) == (5 * 16 + 10, 6 * 16)
    assert sum(read for _, read in part["responses"]["outcomes"].values()) == 6 * 16


def test_a_line_that_is_being_written_is_waited_for(folder, chance):
    client = client_of(folder)
    cursor = cursor_of(client.get("/").text)
    line = json.dumps({"step": 6, "data": row(Made(), 6, chance)}) + "\n"
    with (folder / "metrics.jsonl").open("a") as file:
        file.write(line[:50])
    half = client.get("/news", params={"cursor": cursor})
    assert half.status_code == 204 or "series" not in half.json()["runs"][0]
    with (folder / "metrics.jsonl").open("a") as file:
        file.write(line[50:])
    assert client.get("/news", params={"cursor": cursor}).json()["runs"][0]["series"]["steps"] == [6]


def test_values_that_are_not_finite_are_no_news_forever(folder):
    with (folder / "metrics.jsonl").open("a") as file:
        file.write('{"step": 6, "data": {"actor/entropy": NaN}}\n')
    client = client_of(folder)
    cursor = cursor_of(client.get("/").text)
    assert client.get("/news", params={"cursor": cursor}).status_code == 204


def test_a_run_that_went_back_is_loaded_anew(folder):
    client = client_of(folder)
    cursor = cursor_of(client.get("/").text)
    lines = (folder / "metrics.jsonl").read_text().splitlines(keepends=True)
    (folder / "metrics.jsonl").write_text("".join(lines[:3]))
    assert client.get("/news", params={"cursor": cursor}).json() == {"reload": True}
    assert cursor_of(client.get("/").text) != cursor


@pytest.mark.parametrize("cursor", ["", "x", "a.b.c.d", "....", "9" * 5000, "00000000.1.1.1"])
def test_a_strange_cursor_means_loading_anew(folder, cursor):
    assert client_of(folder).get("/news", params={"cursor": cursor}).json() == {"reload": True}


def test_a_run_that_has_not_begun_is_waited_for(tmp_path):
    client = client_of(tmp_path / "later")
    page = client.get("/")
    assert page.status_code == 200 and '"status":"waiting"' in page.text
    make(tmp_path / "later", Made(steps=2, every=0, status="running"))
    assert client.get("/news", params={"cursor": cursor_of(page.text)}).json()


def test_a_folder_of_something_else_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(UserError, match="is not the folder of a run"):
        live.serve(tmp_path, "127.0.0.1", 0)
    assert client_of(tmp_path).get("/").status_code == 409


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", "[evil]", "", "localhost.evil"]
)
def test_another_host_name_is_refused(folder, host):
    answer = client_of(folder).get("/", headers={"Host": host})
    assert answer.status_code == 421 and "run" not in answer.text


@pytest.mark.parametrize("host", ["localhost:8080", "127.0.0.1:1", "[::1]:8080", "192.0.2.7"])
def test_numbers_and_this_machine_are_served(folder, host):
    assert client_of(folder).get("/news", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "path", ["/config.yaml", "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/news/../x", "/etc/passwd"]
)
def test_no_other_file_is_reachable(folder, path):
    assert client_of(folder).get(path).status_code == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_nothing_but_get(folder, method):
    client = client_of(folder)
    assert client.request(method, "/").status_code == 405 and client.request(method, "/news").status_code == 405


def test_the_page_may_ask_its_own_server_and_be_framed_by_nobody(folder):
    page = client_of(folder).get("/")
    assert (
        "connect-src &#39;self&#39;" in page.text
        and page.headers["Content-Security-Policy"] == "frame-ancestors 'none'"
    )


@pytest.fixture
def listening(folder):
    """A server, and where it listens."""
    with socket.create_server(("127.0.0.1", 0), backlog=400) as listener:
        server = live.server(FollowedRun(folder), "127.0.0.1")
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started:
            time.sleep(0.02)
        yield server, thread, listener.getsockname()
        server.should_exit = True
        thread.join(10)


@pytest.mark.parametrize("sent", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"])
def test_who_never_asks_or_never_reads_keeps_nobody_out(listening, sent):
    server, thread, (host, port) = listening

    def ask() -> bytes:
        with urllib.request.urlopen(f"http://{host}:{port}/", timeout=30) as answer:
            return answer.read()

    page, before = ask(), psutil.Process().memory_info().rss
    with ExitStack() as kept:
        for _ in range(100):
            kept.enter_context(socket.create_connection((host, port))).sendall(sent)
        assert len(ask()) == len(page)
        assert len(server.server_state.connections) <= live.MOST
        assert psutil.Process().memory_info().rss - before < 2 * live.MOST * live.PIECE + 3 * len(page)
        server.should_exit = True  # as Ctrl-C says; nobody is waited for
        thread.join(10)
        assert not thread.is_alive()


def test_a_port_in_use_is_named(folder):
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(UserError, match="--port"):
        live.serve(folder, "127.0.0.1", taken.getsockname()[1])
