package config

import (
	"fmt"
	"reflect"
	"strings"
	"sync"

	"github.com/agext/levenshtein"
)

// unknownKeys notes the keys of a table, and of those below it, that do not exist.
func (l *layers) unknownKeys(path string, raw any, t reflect.Type) {
	switch v := raw.(type) {
	case []any:
		for i := range v {
			if t.Kind() == reflect.Slice {
				l.unknownKeys(index(path, i), v[i], t.Elem())
			}
		}
	case map[string]any:
		if t.Kind() != reflect.Struct {
			return
		}
		keys := keysOf(t)
		for _, key := range sortedKeys(v) {
			if f, known := keys[key]; known {
				l.unknownKeys(join(path, key), v[key], f.Type)
			} else {
				l.unknown(path, key, v[key], t)
			}
		}
	}
}

// unknown notes a key that does not exist, with the one that was probably meant.
func (l *layers) unknown(path, key string, raw any, table reflect.Type) {
	at := join(path, key)
	p := Problem{Key: at, Value: short(written(reflect.ValueOf(raw))), Origin: l.origins[at], Fault: "unknown key"}
	if secretName.MatchString(key) {
		p.Value = quote(masked)
	}
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
		p.Origin = l.originBelow(at, raw)
	}
	l.problems = append(l.problems, p)
}

// originBelow is the origin of a value, or of the first one in it that has one.
func (l *layers) originBelow(path string, raw any) string {
	if origin := l.origins[path]; origin != "" {
		return origin
	}
	table, _ := raw.(map[string]any)
	for _, key := range sortedKeys(table) {
		if origin := l.originBelow(join(path, key), table[key]); origin != "" {
			return origin
		}
	}
	return ""
}

// nearest is the key of a table that is written almost as the given one, or "".
func nearest(key string, table reflect.Type) string {
	best, least := "", 1+max(1, len(key)/3)
	keys := keysOf(table)
	for _, name := range sortedKeys(keys) {
		if d := levenshtein.Distance(plain(key), plain(name), nil); d < least {
			best, least = name, d
		}
	}
	return best
}

// home says where a key belongs that is in the wrong table; "": nowhere. In TOML a key below a [table] is the table's,
// which catches everyone once.
func home(key string) (remedy string) { return homes()[plain(key)] }

// homes are the remedies by the plain name of a key, alone or with its tables.
var homes = sync.OnceValue(func() map[string]string {
	remedies := map[string]string{}
	remedy := func(plain, text string) {
		if _, has := remedies[plain]; !has { // the first one that has the name
			remedies[plain] = text
		}
	}
	var visit func(path string, table reflect.Type)
	visit = func(path string, table reflect.Type) {
		for _, f := range reflect.VisibleFields(table) {
			name := f.Tag.Get("toml")
			at, below := join(path, name), f.Type
			if below.Kind() == reflect.Slice {
				below = below.Elem()
			}
			switch {
			case name == "":
				continue
			case path == "":
				remedy(plain(name), fmt.Sprintf("%s belongs to the top of the file, above the first [table]", name))
			default:
				remedy(plain(name), fmt.Sprintf("%s is a key of [%s]", name, path))
				remedy(plain(at), fmt.Sprintf("its name is %s (in the environment, %s%s)", at, envPrefix, variable(at)))
			}
			if below.Kind() == reflect.Struct {
				visit(at, below)
			}
		}
	}
	visit("", reflect.TypeFor[Config]())
	return remedies
})

// variable is the name of a key in the environment, without the prefix.
func variable(path string) string { return strings.ToUpper(strings.ReplaceAll(path, ".", "__")) }

// plain is a key without what people vary: case, and - . _ between words.
func plain(key string) string { return strings.ToLower(betweenWords.Replace(key)) }

var betweenWords = strings.NewReplacer("-", "", ".", "", "_", "")
