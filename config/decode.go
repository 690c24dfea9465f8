package config

import (
	"encoding"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// decoder reads the merged layers into structs that hold the defaults already. It goes on after a problem, and leaves
// the default where a value cannot be read.
type decoder struct {
	origins  map[string]string
	problems []Problem
}

// table reads a TOML table into the struct behind the pointer.
func (d *decoder) table(path string, raw map[string]any, into any) {
	v := reflect.ValueOf(into).Elem()
	fields := keysOf(v.Type())
	for _, key := range slices.Sorted(maps.Keys(raw)) {
		if _, known := fields[key]; !known {
			d.unknown(path, key, raw[key], v.Type())
		}
	}
	for _, f := range reflect.VisibleFields(v.Type()) {
		if key := f.Tag.Get("toml"); key != "" && raw[key] != nil {
			d.value(join(path, key), raw[key], v.FieldByIndex(f.Index), f.Tag.Get("secret"))
		}
	}
}

// value reads anything.
func (d *decoder) value(path string, raw any, into reflect.Value, secret string) {
	pointer := into.Addr().Interface()
	switch _, isText := pointer.(encoding.TextUnmarshaler); {
	case into.Kind() == reflect.Slice && into.Type().Elem().Kind() == reflect.Struct:
		d.entries(path, raw, into)
	case into.Kind() == reflect.Map:
		d.names(path, raw, into)
	case into.Kind() == reflect.Struct && !isText:
		if table, ok := raw.(map[string]any); ok {
			d.table(path, table, pointer)
		} else {
			d.wrong(path, show(raw, secret), "it is not a table", tableRemedy(path))
		}
	default:
		if fault, remedy := scalar(raw, pointer); fault != "" {
			d.wrong(path, show(raw, secret), fault, remedy)
		}
	}
}

// entries reads an array of tables. An entry that is none still counts, so that numbers in sentences stay right.
func (d *decoder) entries(path string, raw any, into reflect.Value) {
	list, ok := raw.([]any)
	if !ok {
		d.wrong(path, show(raw, ""), "it is not a list of tables", fmt.Sprintf("write [[%s]] above the keys of each", tableName(path)))
		return
	}
	for i, entry := range list {
		fresh := reflect.New(into.Type().Elem())
		setDefaults(fresh.Interface())
		d.value(index(path, i), entry, fresh.Elem(), "")
		into.Set(reflect.Append(into, fresh.Elem()))
	}
}

// names reads a table whose keys are the user's.
func (d *decoder) names(path string, raw any, into reflect.Value) {
	table, ok := raw.(map[string]any)
	if !ok {
		d.wrong(path, show(raw, ""), "it is not a table", tableRemedy(path))
		return
	}
	if len(table) == 0 {
		return
	}
	into.Set(reflect.MakeMap(into.Type()))
	for _, name := range slices.Sorted(maps.Keys(table)) {
		item := reflect.New(into.Type().Elem()).Elem()
		d.value(join(path, name), table[name], item, "")
		into.SetMapIndex(reflect.ValueOf(name), item)
	}
}

// wrong notes a value of the wrong type.
func (d *decoder) wrong(path, value, fault, remedy string) {
	p := Problem{Key: path, Value: value, Origin: d.origins[path], Fault: fault, Remedy: remedy}
	d.problems = append(d.problems, p)
}

// tableRemedy says how to write a table; an entry of a list is written differently.
func tableRemedy(path string) string {
	if strings.HasSuffix(path, "]") {
		return fmt.Sprintf("write [[%s]] above its keys", tableName(path))
	}
	return fmt.Sprintf("write [%s] above its keys", tableName(path))
}

// keysOf are the keys of a table, by name.
func keysOf(t reflect.Type) map[string]reflect.StructField {
	keys := map[string]reflect.StructField{}
	for _, f := range reflect.VisibleFields(t) {
		if key := f.Tag.Get("toml"); key != "" {
			keys[key] = f
		}
	}
	return keys
}
