package html

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// browser drives a headless Chromium through the pipe that --remote-debugging-pipe
// opens: JSON messages of the DevTools protocol, each with a zero byte behind it.
// It needs no package and no port.
type browser struct {
	t       *testing.T
	in      io.Writer
	out     *bufio.Reader
	next    int
	session string
	events  []message
	waiting bool // in until, which may fail for a while
}

type message struct {
	ID     int             `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
	Result json.RawMessage `json:"result"`
	Error  *struct{ Message string }
}

// openBrowser starts Chromium, or skips the test aloud where there is none.
func openBrowser(t *testing.T) *browser {
	t.Helper()
	path := ""
	for _, name := range []string{os.Getenv("NAS_CHROMIUM"), "chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); name != "" && err == nil {
			path = p
			break
		}
	}
	if path == "" || runtime.GOOS == "windows" {
		t.Skip("skipped: no Chromium here, so the page was not opened " +
			"(Debian: apt-get install chromium; or set NAS_CHROMIUM)")
	}
	fromUs, toChrome, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	toUs, fromChrome, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "nas-chromium")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--no-first-run", "--user-data-dir="+dir,
		"--remote-debugging-pipe", "about:blank")
	cmd.ExtraFiles = []*os.File{fromUs, fromChrome} // its descriptors 3 and 4
	if err := cmd.Start(); err != nil {
		t.Skipf("skipped: %s does not start: %v", path, err)
	}
	fromUs.Close()
	fromChrome.Close()
	watchdog := time.AfterFunc(6*time.Minute, func() { cmd.Process.Kill() })
	b := &browser{t: t, in: toChrome, out: bufio.NewReader(toUs)}
	t.Cleanup(func() {
		watchdog.Stop()
		cmd.Process.Kill()
		cmd.Wait()
		toChrome.Close()
		toUs.Close()
		for range 20 { // its children write a little longer
			if os.RemoveAll(dir) == nil {
				break
			}
			time.Sleep(50 * time.Millisecond)
		}
	})
	var target struct{ TargetID, SessionID string }
	b.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	b.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &target)
	b.session = target.SessionID
	for _, domain := range []string{"Page", "Runtime", "Network", "Log"} {
		b.call(domain+".enable", nil, nil)
	}
	return b
}

// call sends a command and waits for its answer; events that come first are kept.
func (b *browser) call(method string, params, result any) {
	b.t.Helper()
	b.next++
	data, err := json.Marshal(map[string]any{"id": b.next, "method": method, "params": params, "sessionId": b.session})
	if err != nil {
		b.t.Fatal(err)
	}
	if b.session == "" {
		data = bytes.Replace(data, []byte(`,"sessionId":""`), nil, 1)
	}
	if params == nil {
		data = bytes.Replace(data, []byte(`"params":null`), []byte(`"params":{}`), 1)
	}
	if _, err := b.in.Write(append(data, 0)); err != nil {
		b.t.Fatalf("%s: %v", method, err)
	}
	for {
		m := b.read(method)
		if m.ID != b.next {
			b.events = append(b.events, m)
			continue
		}
		if m.Error != nil && b.waiting {
			return // the page that was asked has just gone
		}
		if m.Error != nil {
			b.t.Fatalf("%s: %s", method, m.Error.Message)
		}
		if result != nil {
			if err := json.Unmarshal(m.Result, result); err != nil {
				b.t.Fatalf("%s: %v", method, err)
			}
		}
		return
	}
}

func (b *browser) read(during string) message {
	b.t.Helper()
	data, err := b.out.ReadBytes(0)
	if err != nil {
		b.t.Fatalf("%s: the browser has gone: %v", during, err)
	}
	var m message
	if err := json.Unmarshal(data[:len(data)-1], &m); err != nil {
		b.t.Fatal(err)
	}
	return m
}

// open loads an address and waits until the page says that it is ready.
func (b *browser) open(url string) {
	b.t.Helper()
	b.call("Page.navigate", map[string]any{"url": url}, nil)
	b.until(`document.documentElement.dataset.ready === 'yes'`)
}

// until waits for a condition in the page.
func (b *browser) until(condition string) {
	b.t.Helper()
	b.waiting = true
	defer func() { b.waiting = false }()
	for range 2400 { // a minute; a busy machine takes ten seconds for a page
		if b.eval(`(() => { try { return !!(`+condition+`); } catch { return false; } })()`) == "true" {
			return
		}
		time.Sleep(25 * time.Millisecond)
	}
	b.t.Fatalf("it never came true that %s", condition)
}

// eval returns the value of an expression in the page, as text.
func (b *browser) eval(expression string) string {
	b.t.Helper()
	var r struct {
		Result struct {
			Value any `json:"value"`
		} `json:"result"`
		ExceptionDetails *struct {
			Exception struct{ Description string }
		}
	}
	b.call("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true, "awaitPromise": true}, &r)
	if r.ExceptionDetails != nil {
		b.t.Fatalf("%s: %s", expression, r.ExceptionDetails.Exception.Description)
	}
	return fmt.Sprint(r.Result.Value)
}

// size makes the window a desktop's or a phone's, light or dark.
func (b *browser) size(width, height int, phone, dark bool) {
	b.t.Helper()
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	b.call("Emulation.setDeviceMetricsOverride",
		map[string]any{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone}, nil)
	b.call("Emulation.setEmulatedMedia",
		map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}}}, nil)
}

const shiftKey = 8

func (b *browser) mouse(kind string, x, y float64, modifiers int) {
	b.t.Helper()
	p := map[string]any{"type": kind, "x": x, "y": y, "modifiers": modifiers}
	if kind != "mouseMoved" {
		p["button"], p["clickCount"] = "left", 1
	}
	b.call("Input.dispatchMouseEvent", p, nil)
}

func (b *browser) click(x, y float64, modifiers int) {
	b.t.Helper()
	b.mouse("mouseMoved", x, y, modifiers)
	b.mouse("mousePressed", x, y, modifiers)
	b.mouse("mouseReleased", x, y, modifiers)
}

func (b *browser) key(names ...string) {
	b.t.Helper()
	for _, name := range names {
		p := map[string]any{"type": "keyDown", "key": name}
		switch {
		case len(name) == 1:
			p["text"] = name
		case name == "Enter": // what presses a button is its text
			p["text"], p["windowsVirtualKeyCode"] = "\r", 13
		}
		b.call("Input.dispatchKeyEvent", p, nil)
		p["type"] = "keyUp"
		b.call("Input.dispatchKeyEvent", p, nil)
	}
}

var shotsTo = flag.String("shots", "", "directory in which the browser tests leave a PNG of each page")

// shot leaves a picture of the window in the directory of -shots, if one is given.
func (b *browser) shot(name string) {
	b.t.Helper()
	if *shotsTo == "" {
		return
	}
	var r struct{ Data string }
	b.call("Page.captureScreenshot", map[string]any{"format": "png", "captureBeyondViewport": true}, &r)
	data, err := base64.StdEncoding.DecodeString(r.Data)
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(*shotsTo, name+".png"), data, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// complaints are what the page wrote to its console, and the addresses that it
// asked for beside its own.
func (b *browser) complaints(own string) []string {
	b.eval("1") // whatever was on its way has come
	var out []string
	for _, m := range b.events {
		switch m.Method {
		case "Runtime.exceptionThrown", "Log.entryAdded":
			out = append(out, string(m.Params))
		case "Network.requestWillBeSent":
			var p struct{ Request struct{ URL string } }
			if err := json.Unmarshal(m.Params, &p); err != nil {
				b.t.Fatal(err)
			}
			if u := p.Request.URL; !strings.HasPrefix(u, own) && !strings.HasPrefix(u, "data:") && u != "about:blank" {
				out = append(out, "asks for "+u)
			}
		}
	}
	return out
}
