"""The page of `digitlens serve` in a real browser."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

import models
from browser import DESK, PHONE, WALL, drop, page_of, wait_for
from command import ROOT, Digitlens
from digitlens import Reader, model_file
from digitlens.capture.test_card import Card
from digitlens.contract import TAPS
from digitlens.serve.network import layers_of
from digitlens.serve.page import sample_glyphs
from served import chromium, draw
from server import Server, next_picture, serving
from waiting import until

pytestmark = pytest.mark.browser

VIEWS = ("live", "draw", "photo", "network")
SEVEN = [(0.1, 0.2), (0.27, 0.2), (0.16, 0.85)]
FOUR = [[(0.45, 0.15), (0.42, 0.5), (0.58, 0.5)], [(0.55, 0.3), (0.55, 0.85)]]
ONE = [(0.8, 0.2), (0.8, 0.85)]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the browser's fake camera sees."""
    path = tmp_path_factory.mktemp("clip") / "desk.mjpeg"
    script = [sys.executable, str(ROOT / "scripts" / "fake_camera.py"), str(path)]
    subprocess.run([*script, "--frames", "5"], check=True, capture_output=True)
    return path


@pytest.fixture(scope="module")
def browser(clip: Path) -> Iterator[Browser]:
    fake = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    with chromium(*fake, f"--use-file-for-fake-video-capture={clip}") as browser:
        yield browser


@pytest.fixture
def tab(browser: Browser, server: Server) -> Iterator[Page]:
    with page_of(browser, server.address) as tab:
        yield tab


def text_of(tab: Page, view: str) -> str:
    return tab.locator(f"#{view}-panel .text").inner_text()


def go(tab: Page, view: str) -> None:
    tab.get_by_role("link", name=view.capitalize(), exact=True).click()
    expect(tab.locator(f"#{view}")).to_be_visible()


def test_digits_drawn_with_the_mouse_are_read_while_they_are_drawn(tab: Page) -> None:
    go(tab, "draw")
    panel = tab.locator("#draw-panel .text")
    draw(tab, SEVEN)
    expect(panel).to_have_text("7")
    draw(tab, *FOUR, ONE)
    expect(panel).to_have_text("741")
    expect(tab.locator("#draw-status")).to_have_text(re.compile(r"^read \d+ ms"))
    tab.get_by_role("button", name="Undo").click()
    expect(panel).to_have_text("74")
    tab.locator("#draw-panel .choices button").first.click()
    best = tab.locator("#draw-panel .outputs .best")
    expect(best).to_contain_text("7")
    tab.get_by_role("button", name="Clear").click()
    expect(panel).to_have_text("no digits")


def test_brush_width_changes_the_stroke(tab: Page) -> None:
    go(tab, "draw")
    dark = "[...document.getElementById('draw-paper').getContext('2d').getImageData(0,0,640,360)"
    dark += ".data].filter((v, i) => i % 4 === 0 && v < 128).length"
    inks = []
    for width in ("6", "30"):
        tab.locator("#draw-width").fill(width)
        draw(tab, ONE)
        inks.append(tab.evaluate(dark))
        tab.get_by_role("button", name="Clear").click()
    assert inks[1] > 3 * inks[0] > 0


def test_digits_can_be_drawn_by_keyboard(tab: Page) -> None:
    go(tab, "draw")
    tab.locator("#draw-paper").focus()
    for key in ["Shift+ArrowUp"] * 4 + ["Space"] + ["Shift+ArrowDown"] * 9 + ["Space"]:
        tab.keyboard.press(key)
    expect(tab.locator("#draw-panel .text")).to_have_text("1")


def test_a_dropped_photo_is_read_as_classify_reads_it(
    tab: Page, digitlens: Digitlens, photo: Path
) -> None:
    printed = json.loads(digitlens("classify", photo, "--format", "json").out)
    go(tab, "photo")
    drop(tab, photo)
    expect(tab.locator("#photo-status")).to_contain_text("10 digits in 900×420")
    assert text_of(tab, "photo") == printed["text"] == "12345\n67890"
    shown = tab.locator("#photo-signs li").all_inner_texts()[:10]
    for words, digit in zip(shown, printed["digits"], strict=True):
        assert words.startswith(f"{digit['label']} ")
        assert f"{100 * digit['confidence']:.2f} %" in words or digit["confidence"] == 1.0
    assert tab.locator("#photo-steps img").count() == 4
    for image in tab.locator("#photo-steps img").all():
        assert image.evaluate("each => each.naturalWidth") > 100
    tab.locator("#photo-panel .choices button").nth(2).click()
    expect(tab.locator("#photo-panel .outputs .best")).to_contain_text("3")


def test_a_photo_is_taken_from_a_file_or_the_clipboard(tab: Page, photo: Path) -> None:
    go(tab, "photo")
    tab.set_input_files("#photo-file", photo)
    expect(tab.locator("#photo-panel .text")).to_have_text("12345\n67890")
    tab.set_input_files("#photo-capture", {"name": "x", "mimeType": "", "buffer": b"no image"})
    expect(tab.locator("#photo-status")).to_contain_text("not an image")
    expect(tab.locator("#photo-result")).to_be_hidden()
    tab.evaluate(
        """async (bytes) => {
            const clipboardData = new DataTransfer();
            clipboardData.items.add(new File([Uint8Array.from(bytes)], "x.png"));
            document.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
        }""",
        list(photo.read_bytes()),
    )
    expect(tab.locator("#photo-panel .text")).to_have_text("12345\n67890")


def test_reasons_are_shown_for_what_was_dropped(tab: Page, tmp_path: Path, photo: Path) -> None:
    image = cv2.imread(str(photo))
    cv2.putText(image, "X", (790, 130), cv2.FONT_HERSHEY_SIMPLEX, 3, (30, 30, 30), 8)
    cv2.imwrite(str(tmp_path / "sign.png"), image)
    reading = Reader().read(tmp_path / "sign.png")
    go(tab, "photo")
    drop(tab, tmp_path / "sign.png")
    dropped = tab.locator("#photo-signs .dropped")
    expect(dropped).to_have_count(len(reading.dropped))
    assert reading.dropped
    expect(dropped.first).to_contain_text(f"dropped: {reading.dropped[0].reason}")


def test_the_browsers_own_camera_takes_a_photo(tab: Page) -> None:
    go(tab, "photo")
    tab.get_by_role("button", name="Use this device’s camera").click()
    wait_for(tab, "document.getElementById('photo-video').videoWidth > 0")
    tab.wait_for_timeout(300)
    tab.get_by_role("button", name="Take the picture").click()
    expect(tab.locator("#photo-panel .text")).to_have_text(Card().text(0))
    tab.get_by_role("button", name="Stop the camera").click()
    expect(tab.locator("#photo-viewfinder")).to_be_hidden()


def test_the_live_picture_runs_and_can_be_steered(tab: Page, tmp_path: Path) -> None:
    expect(tab.locator("#live-status")).to_contain_text("test: gives 640×480")
    choices = tab.locator("#live-panel .choices button")
    expect(choices).to_have_count(10)
    choices.nth(3).click()
    expect(choices.nth(3)).to_have_attribute("aria-pressed", "true")
    label = choices.nth(3).inner_text()[0]
    expect(tab.locator("#live-panel .outputs .best")).to_contain_text(label)
    tab.locator("#live-panel select").select_option("fc1")
    expect(tab.locator("#live-panel .maps")).to_have_attribute("aria-label", "fc1: 84")
    expect(tab.locator("#live-rates")).to_contain_text("age on screen")
    pause = tab.locator("#live-pause")
    pause.click()
    expect(pause).to_have_attribute("aria-pressed", "true")
    tab.wait_for_timeout(300)
    picture = "document.getElementById('live-picture').toDataURL()"
    before = tab.evaluate(picture)
    tab.wait_for_timeout(300)
    assert tab.evaluate(picture) == before
    tab.locator("#live-panel select").select_option("conv2")
    expect(tab.locator("#live-panel .maps")).to_have_attribute("aria-label", "conv2: 16×10×10")
    with tab.expect_download() as saved:
        tab.get_by_role("button", name="Save picture").click()
    saved.value.save_as(tmp_path / "saved.png")
    assert cv2.imread(str(tmp_path / "saved.png")).shape == (480, 640, 3)
    with tab.expect_download() as saved:
        tab.get_by_role("button", name="Save reading").click()
    assert re.fullmatch(r"digitlens-\d{8}-\d{6}\.json", saved.value.suggested_filename)
    reading = json.loads(Path(saved.value.path()).read_text())
    assert reading["text"] == text_of(tab, "live")
    x, y, width, height = reading["digits"][6]["box"]
    box = tab.locator("#live-picture").bounding_box()
    scale = box["width"] / 640
    tab.mouse.click(box["x"] + scale * (x + width / 2), box["y"] + scale * (y + height / 2))
    expect(choices.nth(6)).to_have_attribute("aria-pressed", "true")
    pause.click()
    wait_for(tab, f"{picture} !== {json.dumps(before)}")


def test_a_view_that_is_not_shown_watches_nothing(tab: Page, server: Server) -> None:
    expect(tab.locator("#live-status")).to_contain_text("gives")
    assert server.ask("/api/health").json["viewers"] == 1
    go(tab, "draw")
    until(lambda: not server.ask("/api/health").json["viewers"], "nobody watches")


def test_three_watch_at_once_and_a_slow_one_slows_nobody(tab: Page, server: Server) -> None:
    def watch_slowly(seconds: float) -> int:
        with server.watch() as viewer:
            count, until = 0, time.monotonic() + seconds
            while time.monotonic() < until:
                header, _ = next_picture(viewer, says_seen=False)
                time.sleep(0.5)
                viewer.send(json.dumps({"seen": header["number"]}))
                count += 1
            return count

    def watch(seconds: float) -> int:
        with server.watch() as viewer:
            count, until = 0, time.monotonic() + seconds
            while time.monotonic() < until:
                next_picture(viewer)
                count += 1
            return count

    tab.evaluate(
        "window.seen = []; document.addEventListener('digitlens:frame', "
        "(event) => seen.push(event.detail.number))"
    )
    with ThreadPoolExecutor() as pool:
        slow, fast = pool.submit(watch_slowly, 4.0), pool.submit(watch, 4.0)
        tab.wait_for_timeout(4000)
        numbers = tab.evaluate("seen")
        assert slow.result() < fast.result() / 3
    steps = np.diff(numbers)
    assert (steps > 0).all()
    assert len(numbers) > 3 * slow.result()


def figures(tab: Page, what: str) -> list[str]:
    return tab.locator(f"#network-detail [data-figure={what}]").all_inner_texts()


def choose(tab: Page, layer: str, unit: int) -> None:
    """Choose a unit by the keyboard."""
    shape = {tap.name: tap.shape for tap in TAPS}.get(layer, (10,))
    maps, height, width = (*shape, 1, 1) if len(shape) == 1 else shape
    place, (row, column) = divmod(unit, height * width), divmod(unit % (height * width), width)
    tab.locator(f"canvas[data-layer={layer}]").focus()
    tab.keyboard.press("End")
    tab.keyboard.press("Home")
    for key, count in (("PageDown", place[0]), ("ArrowDown", row), ("ArrowRight", column)):
        for _ in range(count if maps else 0):
            tab.keyboard.press(key)


@pytest.fixture(scope="module")
def outputs() -> dict[str, np.ndarray]:
    """What onnxruntime gives for the drawn 4 that the tab begins with."""
    glyph = sample_glyphs()[4].astype(np.float32) / np.float32(255)
    return {"image": glyph, **Reader().session.run(glyph[np.newaxis])}


@pytest.mark.parametrize(
    ("layer", "unit"),
    [
        ("conv1", 0),
        ("conv1", 5 * 784 + 9 * 28 + 3),
        ("pool1", 2 * 196 + 6 * 14 + 7),
        ("conv2", 3 * 100 + 4 * 10 + 9),
        ("pool2", 1 * 25 + 2 * 5 + 4),
        ("conv3", 37),
        ("fc1", 12),
        ("logits", 4),
        ("probabilities", 9),
    ],
)
def test_the_figures_of_a_unit_are_onnxruntimes(
    tab: Page, outputs: dict[str, np.ndarray], layer: str, unit: int
) -> None:
    go(tab, "network")
    expect(tab.locator("#network-status")).to_have_text("Looking at a drawn 4.")
    tab.evaluate("document.activeElement.blur()")
    choose(tab, layer, unit)
    expect(tab.locator("#network-detail h3")).to_contain_text(layer)
    value = outputs[layer].reshape(-1)[unit]
    assert figures(tab, "unit") == [f"{value:.4f}"]
    order = list(outputs)
    source = {"conv1": "image", "logits": "fc1", "probabilities": "logits"}.get(layer)
    before = outputs[source or order[order.index(layer) - 1]].reshape(-1)
    cells = tab.locator("#network-detail td[data-from]")
    from_units = cells.evaluate_all("cells => cells.map((cell) => Number(cell.dataset.from))")
    assert figures(tab, "value")[: len(from_units)] == [f"{before[n]:.4f}" for n in from_units]
    if layer == "probabilities":
        assert from_units == list(range(10))
        return
    expected, bias = numpy_terms(layer, unit, before)
    assert from_units == [number for number, _ in expected]
    assert figures(tab, "weight") == [f"{weight:.4f}" for _, weight in expected]
    products = [float(before[number]) * weight for number, weight in expected]
    assert figures(tab, "product") == [f"{product + 0.0:.4f}" for product in products]
    assert figures(tab, "products") == [f"{sum(products):.4f}"]
    total = sum(products) + bias
    if bias:
        assert figures(tab, "bias") == [f"{bias:.4f}"]
        assert figures(tab, "sum") == [f"{total:.4f}"]
    has_tanh = layer not in ("pool1", "pool2", "logits")
    assert abs((np.tanh(total) if has_tanh else total) - value) < 1e-5


def numpy_terms(layer: str, unit: int, before: np.ndarray) -> tuple[list[tuple[int, float]], float]:
    """Give the units that one unit is made of, with their weights, and the bias."""
    named = {each.name: each for each in layers_of(Reader().session, None)}
    shape, weight = named[layer].shape, named[layer].weight
    place = np.unravel_index(unit, shape)
    numbers = np.arange(before.size)
    if layer.startswith("pool"):
        maps = numbers.reshape(shape[0], shape[1] * 2, shape[2] * 2)
        row, column = 2 * place[1], 2 * place[2]
        field = maps[place[0], row : row + 2, column : column + 2]
        return [(number, 0.25) for number in field.ravel().tolist()], 0.0
    weights = weight[place[0]].astype(np.float64)
    if weights.ndim == 3:
        side = round((before.size / weights.shape[0]) ** 0.5)
        maps = numbers.reshape(-1, side, side)
        numbers = maps[:, place[1] : place[1] + 5, place[2] : place[2] + 5]
    pairs = zip(numbers.ravel().tolist(), weights.ravel().tolist(), strict=True)
    return list(pairs), float(named[layer].bias[place[0]])


def click_in_conv2(tab: Page) -> None:
    """Click on a unit, once there are values to look at."""
    expect(tab.locator("#network-detail h3").first).to_be_visible()
    tab.locator("canvas[data-layer=conv2]").click(position={"x": 30, "y": 30})


def test_numbers_lead_to_where_they_come_from(tab: Page, outputs: dict[str, np.ndarray]) -> None:
    go(tab, "network")
    click_in_conv2(tab)
    expect(tab.locator("#network-detail h3").first).to_contain_text("conv2, map 0")
    tab.mouse.move(5, 5)
    tab.locator("canvas[data-layer=fc1]").hover()  # what was clicked is kept
    expect(tab.locator("#network-detail h3").first).to_contain_text("conv2, map 0")
    cell = tab.locator("#network-detail td[data-from]").nth(7)
    number, shown = int(cell.get_attribute("data-from")), cell.inner_text()
    cell.click()
    expect(tab.locator("#network-detail h3").first).to_contain_text("pool1, map 0")
    assert figures(tab, "unit") == [shown] == [f"{outputs['pool1'].ravel()[number]:.4f}"]
    tab.keyboard.press("Escape")
    tab.locator("canvas[data-layer=fc1]").hover(position={"x": 5, "y": 5})
    expect(tab.locator("#network-detail h3").first).to_have_text("fc1, unit 0")


def test_a_drawn_digit_goes_through_the_network(tab: Page) -> None:
    go(tab, "draw")
    draw(tab, SEVEN)
    expect(tab.locator("#draw-panel .text")).to_have_text("7")
    tab.locator("#draw-panel").get_by_role("button", name="Open in Network").click()
    expect(tab.locator("#network-status")).to_have_text("Looking at your drawing.")
    choose(tab, "probabilities", 7)
    expect(tab.locator("#network-detail h3").first).to_have_text("probabilities of 7")
    assert float(figures(tab, "unit")[0]) > 0.8
    tab.get_by_role("button", name="A drawn 2").click()
    expect(tab.locator("#network-status")).to_have_text("Looking at a drawn 2.")
    expect(tab.locator("#network-detail .value")).to_have_text("0.0000")


def test_the_network_follows_the_live_picture(tab: Page, server: Server) -> None:
    go(tab, "network")
    expect(tab.locator("#network-status")).to_have_text("Looking at a drawn 4.")
    until(lambda: not server.ask("/api/health").json["viewers"], "nobody watches")
    tab.get_by_label("Follow the live picture").check()
    expect(tab.locator("#network-status")).to_have_text("Looking at the live picture.")
    assert server.ask("/api/health").json["viewers"] == 1
    choose(tab, "probabilities", 0)
    shares = []
    for label in range(10):
        choose(tab, "probabilities", label)
        shares.append(float(figures(tab, "unit")[0]))
    assert max(shares) > 0.8
    tab.get_by_role("button", name="A drawn 2").click()
    expect(tab.locator("#network-status")).to_have_text("Looking at a drawn 2.")
    until(lambda: not server.ask("/api/health").json["viewers"], "nobody watches")


def test_a_model_with_other_names_shows_values_alone(browser: Browser, tmp_path: Path) -> None:
    model = onnx.load(str(model_file.PACKAGED))
    for node in model.graph.node:
        node.input[:] = [name.replace("conv2.weight", "kernels") for name in node.input]
    for tensor in model.graph.initializer:
        tensor.name = tensor.name.replace("conv2.weight", "kernels")
    models.save(model, tmp_path / "other.onnx")
    serves = serving("test:", "--model", tmp_path / "other.onnx")
    with serves as server, page_of(browser, f"{server.address}#network") as tab:
        click_in_conv2(tab)
        expect(tab.locator("#network-detail")).to_contain_text("only values are shown")
        assert len(figures(tab, "unit")) == 1


def test_the_page_finds_a_server_again_that_was_killed(browser: Browser) -> None:
    listen = "window.numbers = []; document.addEventListener('digitlens:frame', "
    listen += "(event) => numbers.push(event.detail.number))"
    with serving("test:") as server, page_of(browser, server.address) as tab:
        tab.evaluate(listen)
        wait_for(tab, "numbers.at(-1) > 60")
        server.process.kill()
        expect(tab.locator("#live-status")).to_contain_text("does not answer")
        tab.evaluate("numbers.length = 0")
        with serving("test:", "--port", server.port):
            expect(tab.locator("#live-status")).to_contain_text("gives", timeout=15_000)
            wait_for(tab, "numbers.length > 5 && numbers.at(0) < 30")


def test_drawing_and_the_network_go_on_when_the_server_is_back(browser: Browser) -> None:
    with serving("test:") as server, page_of(browser, server.address) as tab:
        go(tab, "network")
        expect(tab.locator("#network-status")).to_have_text("Looking at a drawn 4.")
        server.process.kill()
        server.process.wait()
        tab.get_by_role("button", name="A drawn 2").click()
        expect(tab.locator("#network-status")).to_contain_text("does not answer")
        go(tab, "draw")
        draw(tab, SEVEN)
        expect(tab.locator("#draw-status")).to_contain_text("does not answer")
        with serving("test:", "--port", server.port):
            expect(tab.locator("#draw-panel .text")).to_have_text("7")
            go(tab, "network")
            expect(tab.locator("#network-status")).to_have_text("Looking at a drawn 2.")


def test_a_pause_lasts_while_other_views_are_shown(tab: Page) -> None:
    expect(tab.locator("#live-panel .choices button")).to_have_count(10)
    tab.locator("#live-pause").click()
    tab.wait_for_timeout(300)
    picture = "document.getElementById('live-picture').toDataURL()"
    before = tab.evaluate(picture)
    go(tab, "draw")
    go(tab, "live")
    tab.wait_for_timeout(700)
    assert tab.evaluate(picture) == before


def test_the_camera_is_off_when_it_is_said_to_be(tab: Page) -> None:
    tab.evaluate(
        """() => {
            window.tracks = [];
            const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
            navigator.mediaDevices.getUserMedia = async (wish) => {
                const stream = await open(wish);
                tracks.push(...stream.getTracks());
                return stream;
            };
        }"""
    )
    off = "tracks.length === {} && tracks.every((track) => track.readyState === 'ended')"
    go(tab, "photo")
    camera = tab.get_by_role("button", name="Use this device’s camera")
    camera.dblclick()
    expect(tab.locator("#photo-viewfinder")).to_be_visible()
    tab.get_by_role("button", name="Stop the camera").click()
    wait_for(tab, off.format(2))
    camera.click()
    go(tab, "draw")
    wait_for(tab, off.format(3))
    go(tab, "photo")
    expect(tab.locator("#photo-viewfinder")).to_be_hidden()


def test_the_last_of_two_photos_is_shown(tab: Page, photo: Path, tmp_path: Path) -> None:
    large = cv2.resize(cv2.imread(str(photo)), (7200, 3360))
    cv2.imwrite(str(tmp_path / "large.png"), large)
    go(tab, "photo")
    tab.set_input_files("#photo-file", tmp_path / "large.png")
    tab.set_input_files("#photo-file", photo)
    expect(tab.locator("#photo-status")).to_contain_text("900×420")
    tab.wait_for_timeout(2500)
    expect(tab.locator("#photo-status")).to_contain_text("900×420")


def test_a_second_finger_draws_nothing(browser: Browser, server: Server) -> None:
    with page_of(browser, f"{server.address}#draw", size=PHONE) as tab:
        paper = tab.locator("#draw-paper")
        expect(paper).to_be_visible()
        box = paper.bounding_box()
        assert box
        for kind, primary, x, y in (
            ("down", True, 0.3, 0.2), ("down", False, 0.9, 0.9), ("move", True, 0.3, 0.5),
            ("move", False, 0.9, 0.5), ("up", False, 0.9, 0.5), ("move", True, 0.3, 0.85),
        ):  # fmt: skip
            place = {
                "clientX": box["x"] + x * box["width"],
                "clientY": box["y"] + y * box["height"],
            }
            tab.evaluate(
                """([kind, isPrimary, place]) => {
                    const paper = document.getElementById("draw-paper");
                    paper.setPointerCapture = () => {};
                    paper.dispatchEvent(new PointerEvent(`pointer${kind}`, {
                        pointerId: isPrimary ? 1 : 2, isPrimary, buttons: 1, ...place,
                    }));
                }""",
                [kind, primary, place],
            )
        expect(tab.locator("#draw-panel .text")).to_have_text("1")


@pytest.mark.parametrize("size", [(760, 360), (1280, 500), DESK])
def test_boxes_lie_on_the_paper(browser: Browser, server: Server, size: tuple[int, int]) -> None:
    with page_of(browser, f"{server.address}#draw", size=size) as tab:
        expect(tab.locator("#draw-paper")).to_be_visible()
        paper, boxes = (tab.locator(f"#draw-{each}").bounding_box() for each in ("paper", "boxes"))
        assert all(abs(paper[side] - boxes[side]) < 3 for side in paper)


def test_the_token_is_kept_in_a_cookie_and_leaves_the_address(browser: Browser) -> None:
    with serving("test:", "--host", "0.0.0.0") as server:
        address = f"http://127.0.0.1:{server.port}/"
        token = server.address.partition("?")[2]
        with page_of(browser, address) as tab:
            assert "a token is needed" in tab.inner_text("body")
            tab.goto(f"{address}?{token}#draw")
            expect(tab.locator("#draw-paper")).to_be_visible()
            assert tab.url == f"{address}#draw"
            (cookie,) = tab.context.cookies()
            assert cookie["httpOnly"]
            assert cookie["sameSite"] == "Strict"
            assert tab.evaluate("document.cookie") == ""
            tab.goto(address)
            expect(tab.locator("#live-status")).to_contain_text("gives")
        with serving("test:", "--host", "0.0.0.0") as other, page_of(browser, address) as tab:
            tab.goto(f"{address}?{token}")
            expect(tab.locator("#live-status")).to_contain_text("gives")
            server.process.kill()
            other.process.kill()
            with serving("test:", "--host", "0.0.0.0", "--port", server.port):
                expect(tab.locator("#live-status")).to_contain_text("token", timeout=15_000)


def test_what_is_wrong_with_a_camera_is_said(browser: Browser) -> None:
    with serving("/dev/video77") as server, page_of(browser, server.address) as tab:
        expect(tab.locator("#live-status")).to_contain_text("camera /dev/video77 cannot be opened")
        go(tab, "draw")
        draw(tab, SEVEN)
        expect(tab.locator("#draw-panel .text")).to_have_text("7")


@pytest.mark.parametrize(("size", "dark"), [(PHONE, True), (DESK, False), (DESK, True)])
def test_nothing_keeps_anybody_out(
    browser: Browser, server: Server, photo: Path, size: tuple[int, int], dark: bool
) -> None:
    with page_of(browser, server.address, size=size, dark=dark) as tab:
        for view in VIEWS:
            go(tab, view)
            if view == "live":
                expect(tab.locator("#live-panel .choices button")).to_have_count(10)
                tab.locator("#live-pause").click()
            elif view == "draw":
                draw(tab, SEVEN)
                expect(tab.locator("#draw-panel .text")).to_have_text("7")
            elif view == "photo":
                tab.set_input_files("#photo-file", photo)
                expect(tab.locator("#photo-signs li").first).to_be_visible()
            else:
                click_in_conv2(tab)
                expect(tab.locator("#network-detail .field")).to_have_count(6)
            found = Axe().run(tab).response["violations"]
            assert not [(each["id"], each["nodes"][0]["html"]) for each in found], view


@pytest.mark.parametrize("size", [PHONE, (768, 1024), DESK, WALL])
def test_every_view_fits_its_screen(
    browser: Browser, server: Server, size: tuple[int, int]
) -> None:
    with page_of(browser, server.address, size=size) as tab:
        for view in VIEWS:
            go(tab, view)
            if view == "network":
                expect(tab.locator("canvas[data-layer=fc1]")).to_be_visible()
            wide, tall = "document.documentElement.scrollWidth", "document.body.scrollHeight"
            assert tab.evaluate(wide) <= size[0], view
            assert tab.evaluate(tall) > 100


def test_the_page_has_opencvs_colours() -> None:
    script = ROOT / "runtime" / "digitlens" / "serve" / "static" / "viridis.js"
    shown = bytes.fromhex("".join(re.findall(r'"([0-9a-f]+)"', script.read_text())))
    levels = np.arange(256, dtype=np.uint8)
    colors = cv2.applyColorMap(levels, cv2.COLORMAP_VIRIDIS).reshape(-1, 3)
    assert shown == colors[:, ::-1].tobytes()
