package config

import (
	"fmt"
	"reflect"
)

// Change is one key that differs between two configurations, or one entry of a list of tables that only one of them
// has. Entries are the same when their names are: their order means nothing.
type Change struct {
	List string // one with names, such as "cluster", "listener" or "limit"; "": the key is outside of these lists
	Name string // of the entry
	Key  string // below the entry, or from the top; "": the whole entry was added or removed
	Old  string // as TOML would write it, secrets masked; "": the entry was added
	New  string // "": the entry was removed

	revert func()
}

// Added reports whether only the new configuration has the entry.
func (c Change) Added() bool { return c.Key == "" && c.Old == "" }

// Removed reports whether only the old configuration has the entry.
func (c Change) Removed() bool { return c.Key == "" && c.New == "" }

// Revert puts the old value into the new configuration. An added or removed entry stays so.
func (c Change) Revert() {
	if c.revert != nil {
		c.revert()
	}
}

// String is the change in a few words.
func (c Change) String() string {
	where := c.Key
	if c.List != "" {
		where = fmt.Sprintf("%s %q", c.List, c.Name)
		if c.Key != "" {
			where += " " + c.Key
		}
	}
	switch {
	case c.Added():
		return where + " added"
	case c.Removed():
		return where + " removed"
	}
	return oneLine(fmt.Sprintf("%s: %s → %s", where, c.Old, c.New))
}

// Diff lists what is different in next, in the order of keys. Both are complete; it changes neither.
func Diff(old, next *Config) []Change {
	d := &differ{}
	d.table("", reflect.ValueOf(old).Elem(), reflect.ValueOf(next).Elem())
	return d.changes
}

// differ walks two structs side by side.
type differ struct {
	list, name string // the entry that it is in
	changes    []Change
}

func (d *differ) table(path string, old, next reflect.Value) {
	for _, f := range reflect.VisibleFields(old.Type()) {
		if key := f.Tag.Get("toml"); key != "" {
			d.field(join(path, key), old.FieldByIndex(f.Index), next.FieldByIndex(f.Index))
		}
	}
}

func (d *differ) field(path string, old, next reflect.Value) {
	switch {
	case reflect.DeepEqual(old.Interface(), next.Interface()) || nothing(old) && nothing(next):
	case d.list == "" && old.Kind() == reflect.Slice && old.Type().Elem().Kind() == reflect.Struct && named(old.Type().Elem()):
		d.entries(path, old, next)
	case old.Kind() == reflect.Struct && isTable(old):
		d.table(path, old, next)
	default:
		d.changes = append(d.changes, Change{
			List: d.list, Name: d.name, Key: path, Old: written(old), New: written(next),
			revert: func() { next.Set(old) },
		})
	}
}

// named reports that tables of a kind are known by their names. Of others the order counts.
func named(t reflect.Type) bool {
	_, has := t.FieldByName("Name")
	return has
}

// entries compares a list of named tables.
func (d *differ) entries(list string, old, next reflect.Value) {
	was, is := byName(old), byName(next)
	for _, name := range sortedKeys(was) {
		if _, kept := is[name]; !kept {
			d.changes = append(d.changes, Change{List: list, Name: name, Old: quote(name)})
		}
	}
	for _, name := range sortedKeys(is) {
		before, known := was[name]
		if !known {
			d.changes = append(d.changes, Change{List: list, Name: name, New: quote(name)})
			continue
		}
		below := &differ{list: list, name: name}
		below.table("", before, is[name])
		d.changes = append(d.changes, below.changes...)
	}
}

// nothing reports whether a value is a list or a map without entries; it may be nil.
func nothing(v reflect.Value) bool {
	return (v.Kind() == reflect.Slice || v.Kind() == reflect.Map) && v.Len() == 0
}

func byName(list reflect.Value) map[string]reflect.Value {
	entries := map[string]reflect.Value{}
	for i := range list.Len() {
		entries[list.Index(i).FieldByName("Name").String()] = list.Index(i)
	}
	return entries
}
