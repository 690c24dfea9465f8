package config

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// showLimit keeps one bad value from filling the terminal.
const showLimit = 120

// show writes a raw value as TOML would, secrets masked, long ones cut.
func show(raw any, secret string) string {
	s := literal(raw, secret)
	if len(s) <= showLimit {
		return s
	}
	cut := showLimit
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}

// showUnknown shows the value of a key that nothing is known about: a secret may have been meant.
func showUnknown(key string, raw any) string {
	if secretName.MatchString(key) {
		return quote(masked)
	}
	return show(raw, "")
}

// literal writes a raw value of any type in TOML.
func literal(raw any, secret string) string {
	switch v := raw.(type) {
	case given:
		return literal(string(v), secret)
	case string:
		if strings.Contains(v, "://") && strings.ContainsAny(v, "@?") {
			secret = "url" // it may have come to the wrong key
		}
		return quote(mask(v, secret))
	case []any:
		items := make([]string, len(v))
		for i, item := range v {
			items[i] = literal(item, secret)
		}
		return "[" + strings.Join(items, ", ") + "]"
	case map[string]any:
		return inlineTable(v, secret)
	}
	return fmt.Sprint(raw)
}

func inlineTable(table map[string]any, secret string) string {
	items := make([]string, 0, len(table))
	for _, key := range slices.Sorted(maps.Keys(table)) {
		value := literal(table[key], secret)
		if secretName.MatchString(key) {
			value = quote(masked)
		}
		items = append(items, quoteKey(key)+" = "+value)
	}
	if len(items) == 0 {
		return "{}"
	}
	return "{ " + strings.Join(items, ", ") + " }"
}

// quote writes a TOML basic string.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range strings.ToValidUTF8(s, "�") {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
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

var bareKey = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// quoteKey writes a key, in quotes where TOML needs them.
func quoteKey(key string) string {
	if bareKey.MatchString(key) {
		return key
	}
	return quote(key)
}
