package config

import (
	"bytes"
	"encoding"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
)

// Print writes the effective configuration as TOML, the origin of each value behind it, secrets masked.
func Print(w io.Writer, cfg *Config) error {
	r := renderer{
		above: func(string, reflect.Type, reflect.StructField) string { return "" },
		behind: func(path string) string {
			if origin := cfg.origin(path); origin != "" {
				return "  # " + oneLine(origin)
			}
			return ""
		},
	}
	r.table("", reflect.ValueOf(cfg).Elem())
	_, err := w.Write(bytes.TrimLeft(r.out.Bytes(), "\n"))
	return err
}

// origin is where a key got its value: its own origin, or that of the list it is in.
func (c *Config) origin(path string) string {
	if c.origins == nil {
		return "" // built by hand
	}
	for at := path; at != ""; at = at[:max(0, strings.LastIndexByte(at, '['))] {
		if origin, ok := c.origins[at]; ok {
			return origin
		}
		if !strings.HasSuffix(at, "]") {
			break
		}
	}
	return "default"
}

// renderer writes structs as TOML in the order of their fields, plain values before tables.
type renderer struct {
	out    bytes.Buffer
	above  func(path string, owner reflect.Type, f reflect.StructField) string // comment lines before a key
	behind func(path string) string                                            // comment after a value
}

func (r *renderer) table(path string, v reflect.Value) {
	var tables []reflect.StructField
	for _, f := range reflect.VisibleFields(v.Type()) {
		key := f.Tag.Get("toml")
		switch field := v.FieldByIndex(f.Index); {
		case key == "":
		case isTable(field):
			tables = append(tables, f)
		default:
			r.out.WriteString(r.above(path, v.Type(), f))
			r.line(join(path, key), key, written(field))
		}
	}
	for _, f := range tables {
		r.below(path, v, f)
	}
}

// below writes a table, each table of a list, or the names of a map.
func (r *renderer) below(path string, owner reflect.Value, f reflect.StructField) {
	v, at := owner.FieldByIndex(f.Index), join(path, f.Tag.Get("toml"))
	header := func(brackets string) {
		r.out.WriteString("\n" + r.above(path, owner.Type(), f))
		fmt.Fprintf(&r.out, brackets+"\n", tableName(at))
	}
	switch v.Kind() {
	case reflect.Struct:
		header("[%s]")
		r.table(at, v)
	case reflect.Slice:
		for i := range v.Len() {
			header("[[%s]]")
			r.table(index(at, i), v.Index(i))
		}
	case reflect.Map:
		header("[%s]")
		for _, name := range sortedNames(v) {
			r.line(join(at, name), name, written(v.MapIndex(reflect.ValueOf(name))))
		}
	}
}

func (r *renderer) line(path, key, value string) {
	fmt.Fprintf(&r.out, "%s = %s%s\n", QuoteKey(key), value, r.behind(path))
}

// isTable reports whether a value has a header of its own: a struct that is not a text, a list of them, a map with entries.
func isTable(v reflect.Value) bool {
	switch _, isText := v.Interface().(encoding.TextMarshaler); v.Kind() {
	case reflect.Struct:
		return !isText && !inline(v.Type())
	case reflect.Slice:
		return v.Type().Elem().Kind() == reflect.Struct && !inline(v.Type().Elem())
	case reflect.Map:
		return v.Len() > 0
	}
	return false
}

// inline reports that a table is written in one line, as part of another one.
func inline(t reflect.Type) bool {
	return t == reflect.TypeFor[Matcher]() || t == reflect.TypeFor[HeaderMatcher]()
}

// sortedNames are the names of a map.
func sortedNames(m reflect.Value) []string {
	names := make([]string, 0, m.Len())
	for _, key := range m.MapKeys() {
		names = append(names, key.String())
	}
	slices.Sort(names)
	return names
}
