package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// written writes a value of any type in TOML, in one line, secrets masked.
func written(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case PortRange:
		if x.Any() {
			return "0"
		}
		return quote(x.String())
	case time.Duration:
		return quote(shortDuration(x))
	case Size:
		return quote(x.String())
	}
	switch v.Kind() {
	case reflect.Interface:
		return written(v.Elem())
	case reflect.String:
		return quote(Mask(v.String()))
	case reflect.Slice:
		items := make([]string, v.Len())
		for i := range items {
			items[i] = written(v.Index(i))
		}
		return "[" + strings.Join(items, ", ") + "]"
	case reflect.Map:
		return inlineTable(v)
	case reflect.Struct:
		return inlineStruct(v)
	}
	return fmt.Sprint(v.Interface())
}

func inlineTable(table reflect.Value) string {
	var items []string
	for _, name := range sortedNames(table) {
		value := written(table.MapIndex(reflect.ValueOf(name)))
		if secretName.MatchString(name) {
			value = quote(masked)
		}
		items = append(items, QuoteKey(name)+" = "+value)
	}
	if len(items) == 0 {
		return "{}"
	}
	return "{ " + strings.Join(items, ", ") + " }"
}

// inlineStruct writes what of a table is not its default.
func inlineStruct(v reflect.Value) string {
	usual := reflect.New(v.Type())
	setDefaults(usual.Interface())
	var items []string
	for _, f := range reflect.VisibleFields(v.Type()) {
		if key := f.Tag.Get("toml"); key != "" && !reflect.DeepEqual(v.FieldByIndex(f.Index).Interface(), usual.Elem().FieldByIndex(f.Index).Interface()) {
			items = append(items, key+" = "+written(v.FieldByIndex(f.Index)))
		}
	}
	if len(items) == 0 {
		return "{}"
	}
	return "{ " + strings.Join(items, ", ") + " }"
}

// shortLimit keeps one bad value from filling the terminal.
const shortLimit = 120

// short cuts a long text.
func short(s string) string {
	if len(s) <= shortLimit {
		return s
	}
	cut := shortLimit
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}

// quote writes a TOML basic string. JSON's are such, but that TOML also escapes DEL.
func quote(s string) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.Encode(s)
	return strings.ReplaceAll(strings.TrimSuffix(b.String(), "\n"), "\x7f", `\u007F`)
}

var bareKey = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// Quote writes a text as a TOML string.
func Quote(text string) string { return quote(text) }

// QuoteKey writes a key, in quotes where TOML needs them.
func QuoteKey(key string) string {
	if bareKey.MatchString(key) {
		return key
	}
	return quote(key)
}

// oneLine keeps names that hold control characters (of files, variables, quoted keys) from breaking a line.
func oneLine(s string) string {
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(s, "�") {
		if unicode.IsControl(r) {
			fmt.Fprintf(&b, `\u%04X`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}
