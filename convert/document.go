package convert

import (
	"cmp"
	"fmt"
	"math"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// document is what was read, with what is wrong about it.
type document struct {
	objects  []*object
	problems []error
}

// mostProblems are told; one wrong indentation may bring many.
const mostProblems = 20

// fault notes what is wrong at a place.
func (d *document) fault(path, what string) {
	if len(d.problems) < mostProblems {
		d.problems = append(d.problems, fmt.Errorf("cannot convert %s: %s", oneLine(path), what))
	}
}

// object is a table of the document. Its keys are in snake case, as in the YAML of Envoy's documentation; JSON that was
// made of protocol buffers has them in camel case, which means the same. A nil one is absent, and everything in it.
type object struct {
	doc  *document
	path string
	keys map[string]any
	read map[string]bool
}

// object takes a value that must be a table; nil is absent.
func (d *document) object(value any, path string) *object {
	var keys map[string]any
	switch v := value.(type) {
	case nil:
		return nil
	case map[string]any:
		keys = v
	default:
		d.fault(cmp.Or(path, "the document"), "must be a table of names and values")
		return nil
	}
	o := &object{doc: d, path: path, keys: map[string]any{}, read: map[string]bool{}}
	for key, below := range keys {
		o.keys[key] = below
	}
	for key, below := range keys {
		if snake := snakeCase(key); snake != key {
			delete(o.keys, key)
			if _, has := keys[snake]; has {
				d.fault(join(path, key), "is there twice, as "+snake+" as well")
			}
			o.keys[snake] = below
		}
	}
	d.objects = append(d.objects, o)
	return o
}

// snakeCase is a key as YAML has it. Names of types (@type) and of namespaces (with dots) stay.
func snakeCase(key string) string {
	if strings.ContainsAny(key, "@.") {
		return key
	}
	var b strings.Builder
	for _, r := range key {
		if unicode.IsUpper(r) {
			b.WriteByte('_')
			r = unicode.ToLower(r)
		}
		b.WriteRune(r)
	}
	return b.String()
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// has reports whether a key has a value, without reading it.
func (o *object) has(key string) bool { return o != nil && o.keys[key] != nil }

// take reads a value; nil is absent.
func (o *object) take(key string) any {
	if o == nil {
		return nil
	}
	o.read[key] = true
	return o.keys[key]
}

// raw is a table whose keys belong to users, as it stands.
func (o *object) raw(key string) map[string]any {
	value := o.take(key)
	table, ok := value.(map[string]any)
	if value != nil && !ok {
		o.doc.fault(join(o.path, key), "must be a table of names and values")
	}
	return table
}

func (o *object) object(key string) *object {
	if value := o.take(key); value != nil {
		return o.doc.object(value, join(o.path, key))
	}
	return nil
}

func (o *object) objects(key string) (list []*object) {
	value := o.take(key)
	items, ok := value.([]any)
	if value != nil && !ok {
		o.doc.fault(join(o.path, key), "must be a list")
	}
	for i, item := range items {
		path := fmt.Sprintf("%s[%d]", join(o.path, key), i)
		if item == nil {
			o.doc.fault(path, "is empty")
		} else if below := o.doc.object(item, path); below != nil {
			list = append(list, below)
		}
	}
	return list
}

func (o *object) text(key string) string {
	value := o.take(key)
	text, ok := value.(string)
	if value != nil && !ok {
		o.doc.fault(join(o.path, key), "must be a string; put it in quotes")
	}
	return text
}

func (o *object) boolean(key string) bool {
	value := o.take(key)
	b, ok := value.(bool)
	if value != nil && !ok {
		o.doc.fault(join(o.path, key), "must be true or false")
	}
	return b
}

// whole is a whole number from least to most; text is one as well, as protocol buffers have it in JSON.
func (o *object) whole(key string, least, most int64) int64 {
	value := o.take(key)
	if value == nil {
		return 0
	}
	n, ok := number(value)
	if !ok || n < least || n > most {
		o.doc.fault(join(o.path, key), fmt.Sprintf("must be a whole number from %d to %d", least, most))
		return 0
	}
	return n
}

func number(value any) (n int64, ok bool) {
	switch v := value.(type) {
	case int:
		return int64(v), true
	case int64:
		return v, true
	case float64:
		return int64(v), v == math.Trunc(v) && math.Abs(v) <= 1<<53
	case string:
		n, err := strconv.ParseInt(v, 10, 64)
		return n, err == nil
	}
	return 0, false
}

// duration is a google.protobuf.Duration: "1.5s", or seconds and nanos. ok is false when it is absent.
func (o *object) duration(key string) (d time.Duration, ok bool) {
	if !o.has(key) {
		return 0, false
	}
	const longest = int64(365 * 24 * time.Hour / time.Second)
	if text, isText := o.keys[key].(string); isText {
		o.read[key] = true
		d, err := time.ParseDuration(text)
		if err != nil || !strings.HasSuffix(text, "s") || d < 0 || int64(d/time.Second) > longest {
			o.doc.fault(join(o.path, key), `must be a duration in seconds, such as "30s"`)
		}
		return d, true
	}
	parts := o.object(key)
	return time.Duration(parts.whole("seconds", 0, longest))*time.Second + time.Duration(parts.whole("nanos", 0, 999_999_999)), true
}

// socketAddress is the host:port of an address; "" is absent.
func (o *object) socketAddress() string {
	if o == nil {
		return ""
	}
	at := o.object("socket_address")
	if at == nil {
		o.doc.fault(o.path, "must have a socket_address: pipes and internal addresses cannot be used here")
		return ""
	}
	host, port := at.text("address"), at.whole("port_value", 0, 65535)
	if host == "" || !at.has("port_value") {
		at.doc.fault(at.path, "must have an address and a port_value")
		return ""
	}
	return net.JoinHostPort(host, strconv.FormatInt(port, 10))
}

// unread are the places that nobody has read, in order.
func (d *document) unread() (paths []string) {
	for _, o := range d.objects {
		for key, value := range o.keys {
			if !o.read[key] && value != nil {
				paths = append(paths, oneLine(join(o.path, key)))
			}
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}
