package config

import (
	"fmt"
	"reflect"
	"strings"
)

// unknown notes a key that does not exist, with the one that was probably meant.
func (d *decoder) unknown(path, key string, raw any, table reflect.Type) {
	at := join(path, key)
	p := Problem{Key: at, Value: showUnknown(key, raw), Origin: d.origins[at], Fault: "there is no such key"}
	switch near, elsewhere := nearest(key, table), home(key); {
	case near != "":
		p.Remedy = fmt.Sprintf("did you mean %s?", near)
		p.about = []string{join(path, near)}
	case elsewhere != "":
		p.Remedy = elsewhere
	default:
		p.Remedy = "remove it, or look its name up in proxy.example.toml"
	}
	if p.Origin == "" { // a table that only a variable below it has made
		p.Origin = d.originBelow(at)
	}
	d.problems = append(d.problems, p)
}

// originBelow is the origin of the first value below a path.
func (d *decoder) originBelow(path string) string {
	first, origin := "", ""
	for at, o := range d.origins {
		if within(at, path) && (first == "" || at < first) {
			first, origin = at, o
		}
	}
	return origin
}

// nearest is the key of a table that is written almost as the given one, or "".
func nearest(key string, table reflect.Type) string {
	best, least := "", 1+max(1, len(key)/3)
	for name := range keysOf(table) {
		d := distance(plain(key), plain(name))
		if d < least || d == least && name < best {
			best, least = name, d
		}
	}
	return best
}

// home tells where a key belongs that was written into the wrong table. In TOML a key below a [table] is the table's,
// which catches everyone once.
func home(key string) string {
	remedy := ""
	var visit func(path string, table reflect.Type)
	visit = func(path string, table reflect.Type) {
		for _, f := range reflect.VisibleFields(table) {
			name := f.Tag.Get("toml")
			at := join(path, name)
			switch {
			case name == "" || remedy != "":
			case plain(at) == plain(key) && path == "":
				remedy = fmt.Sprintf("%s belongs to the top of the file, above the first [table]", name)
			case plain(name) == plain(key):
				remedy = fmt.Sprintf("%s is a key of [%s]", name, path)
			case plain(at) == plain(key):
				remedy = fmt.Sprintf("it is called %s (in the environment, %s%s)", at, envPrefix, variable(at))
			case f.Type.Kind() == reflect.Struct:
				visit(at, f.Type)
			case f.Type.Kind() == reflect.Slice && f.Type.Elem().Kind() == reflect.Struct:
				visit(at, f.Type.Elem())
			}
		}
	}
	visit("", reflect.TypeFor[Config]())
	return remedy
}

// variable is the name of a key in the environment, without the prefix.
func variable(path string) string { return strings.ToUpper(strings.ReplaceAll(path, ".", "__")) }

// plain is a key without what people vary: case, and - . _ between words.
func plain(key string) string {
	return strings.ToLower(strings.NewReplacer("-", "", ".", "", "_", "").Replace(key))
}

// distance is how many letters have to be put in, taken out or changed to get from one word to the other.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
