package codec_test

import (
	"strings"
	"testing"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/linear"
)

// header is a JSON header with n times part in its ext fields.
func extHeader(part string, n int) []byte {
	return []byte(`{"code":105,"opaque":1,"extFields":{` + strings.TrimSuffix(strings.Repeat(part+",", n), ",") + `}}`)
}

// Whatever a peer writes into a header, twice as much of it is twice the work: for finding its frame, for a field that is
// there and for one that is not, and for decoding all of it.
func TestWorkPerHeaderIsLinear(t *testing.T) {
	for name, part := range map[string]string{
		"escaped keys":   `"\u0061":1`,
		"escaped values": `"a":"\u0041\n"`,
		"same keys":      `"topic":"T"`,
		"numbers":        `"a":-1.5e3`,
		"nested":         `"a":{"b":[{"c":[1,2]}]}`,
		"white space":    " \t\"a\" : \n 1 ",
		"quotes":         `"a":"\"\""`,
	} {
		t.Run(name, func(t *testing.T) {
			requireLinearHeader(t, func(n int) []byte { return extHeader(part, n) })
		})
	}
	t.Run("one long value", func(t *testing.T) {
		requireLinearHeader(t, func(n int) []byte {
			return []byte(`{"extFields":{"topic":"` + strings.Repeat(`\u0041\n`, n) + `"}}`)
		})
	})
	t.Run("one long key", func(t *testing.T) {
		requireLinearHeader(t, func(n int) []byte {
			return []byte(`{"extFields":{"` + strings.Repeat(`\u0041\n`, n) + `":1}}`)
		})
	})
}

func requireLinearHeader(t *testing.T, header func(n int) []byte) {
	t.Helper()
	linear.Require(t, 1000, func(n int) func() {
		raw := header(n)
		return func() {
			var h codec.Header
			if err := h.Scan(raw, codec.JSON); err != nil {
				t.Fatal(err)
			}
			h.Ext(raw, "topic")
			h.Ext(raw, "acceptStandardJsonOnly")
			h.Remark(raw)
		}
	})
	linear.Require(t, 500, func(n int) func() {
		b := frame(string(header(n)), "")
		return func() {
			if _, _, err := codec.Decode(b, codec.Limits{}); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// To find a field no other key is decoded: 1 MB of escaped keys cost a loop a tenth of a second.
func TestEscapedKeysAreComparedWithoutBeingDecoded(t *testing.T) {
	raw := extHeader(`"\u0061":"\u0062"`, 1000)
	var h codec.Header
	if err := h.Scan(raw, codec.JSON); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(10, func() { h.Ext(raw, "topic") }); n > 0 {
		t.Fatalf("%v allocations", n)
	}
}

func TestWorkPerMalformedHeaderIsLinear(t *testing.T) {
	for name, text := range map[string]func(n int) string{
		"string without an end":  func(n int) string { return `{"a":"` + strings.Repeat(`\"`, n) },
		"key without an end":     func(n int) string { return `{"a":{"b":1,"` + strings.Repeat("x", n) },
		"plain, then cut off":    func(n int) string { return `{"extFields":{` + strings.Repeat(`"k":"v",`, n) + `"k` },
		"members without values": func(n int) string { return `{"extFields":{"a":1,` + strings.Repeat(`"k":1,"`, n) },
		"lookalike":              func(n int) string { return `{"` + strings.Repeat("_", n) + `code":1}` },
		"brackets":               func(n int) string { return `{"a":` + strings.Repeat("[", n) },
	} {
		t.Run(name, func(t *testing.T) {
			linear.Require(t, 4000, func(n int) func() {
				raw := []byte(text(n))
				return func() {
					var h codec.Header
					if h.Scan(raw, codec.JSON) == nil {
						t.Fatal("read")
					}
				}
			})
		})
	}
}

func TestWorkPerBinaryHeaderIsLinear(t *testing.T) {
	linear.Require(t, 1000, func(n int) func() {
		pairs := strings.Repeat("\x00\x01a\x00\x00\x00\x01v\x00\x00\x00\x00\x00\x00", n) // "a": "v", "": null
		raw := []byte("\x00\x69\x00\x00\x00\x00\x00\x00\x05\x00\x00\x00\x00\x00\x00\x00\x00" +
			string([]byte{byte(len(pairs) >> 24), byte(len(pairs) >> 16), byte(len(pairs) >> 8), byte(len(pairs))}) + pairs)
		return func() {
			var h codec.Header
			if err := h.Scan(raw, codec.Binary); err != nil {
				t.Fatal(err)
			}
			h.Ext(raw, "topic")
			for range h.ExtFields(raw) {
			}
		}
	})
}

// A run of small frames, and a header that comes byte by byte: the splitter looks at a byte once its frame's header is
// there, and until then at the prefix only.
func TestWorkPerByteOfAStreamIsLinear(t *testing.T) {
	linear.Require(t, 1000, func(n int) func() {
		stream := []byte(strings.Repeat(string(frame(`{}`, "b")), n))
		frames := make([]codec.Frame, 0, n)
		return func() {
			var s codec.Splitter
			if got, _, err := s.Split(stream, frames[:0]); err != nil || len(got) != n {
				t.Fatal(len(got), err)
			}
		}
	})
	linear.Require(t, 4000, func(n int) func() {
		b := frame(string(extHeader(`"k":"v"`, n/8)), "")
		return func() {
			var s codec.Splitter
			for i := range b {
				if _, used, err := s.Split(b[:i+1], nil); err != nil || used != 0 && i+1 < len(b) {
					t.Fatal(used, err)
				}
			}
		}
	})
}
