package config

import (
	"encoding"
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-viper/mapstructure/v2"
	"github.com/knadh/koanf/v2"
)

// decode reads the merged layers into a configuration that holds the defaults. It goes on after a problem and leaves
// the default where a value cannot be read.
func (l *layers) decode(cfg *Config) {
	l.unknownKeys("", l.koanf.Raw(), reflect.TypeFor[Config]())
	l.unreadable(l.koanf.UnmarshalWithConf("", cfg, koanf.UnmarshalConf{
		Tag: "toml",
		DecoderConfig: &mapstructure.DecoderConfig{
			DecodeHook:           read,
			IgnoreUntaggedFields: true,
			Squash:               true,
			MatchName:            func(key, name string) bool { return key == name },
		},
	}))
	slices.SortStableFunc(l.problems, func(a, b Problem) int { return strings.Compare(a.Key, b.Key) }) // maps have no order
}

// mismatch is the error of a value that does not have the type of its key.
type mismatch struct {
	raw  any
	want reflect.Type
}

func (m *mismatch) Error() string { return fmt.Sprintf("%v is not a %s", m.raw, m.want) }

// unreadable turns the errors of a decoder into problems.
func (l *layers) unreadable(err error) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range joined.Unwrap() {
			l.unreadable(one)
		}
		return
	}
	var at *mapstructure.DecodeError
	var m *mismatch
	switch {
	case err == nil:
	case errors.As(err, &at) && errors.As(err, &m):
		path := nameInMap.ReplaceAllString(at.Name(), ".$1")
		fault, remedy := expected(m.want, path)
		l.problems = append(l.problems, Problem{Key: path, Value: short(written(reflect.ValueOf(m.raw))), Origin: l.origins[path], Fault: fault, Remedy: remedy})
	default:
		panic("BUG: cannot decode a configuration: " + err.Error())
	}
}

// nameInMap matches a name in a table whose keys are the user's. The decoder writes it like the number of an entry.
var nameInMap = regexp.MustCompile(`\[([^\[\]]*[^0-9\[\]][^\[\]]*)\]$`)

// read gives a raw value the type of its key, and an entry of a list its defaults before its keys are read.
func read(from, to reflect.Value) (any, error) {
	if to.CanAddr() {
		setDefaults(to.Addr().Interface())
	}
	raw := from.Interface()
	if text, ok := raw.(given); ok {
		raw = meant(string(text), to.Type())
	}
	if v, ok := typed(raw, to.Type()); ok {
		return v, nil
	}
	return nil, &mismatch{raw, to.Type()}
}

// typed is a raw value as the type of its key; of tables and their lists only the form counts, and of plain numbers
// that no key can take the length.
func typed(raw any, want reflect.Type) (v any, ok bool) {
	_, isTable := raw.(map[string]any)
	list, isList := raw.([]any)
	into := reflect.New(want).Interface()
	text, isText := into.(encoding.TextUnmarshaler)
	switch {
	case want == reflect.TypeFor[time.Duration]():
		s, isString := raw.(string)
		d, err := parseDuration(s)
		return d, isString && err == nil
	case isText:
		_, isNumber := raw.(int64)
		_, isString := raw.(string)
		err := text.UnmarshalText([]byte(fmt.Sprint(raw)))
		return reflect.ValueOf(into).Elem().Interface(), (isNumber || isString) && err == nil
	case want.Kind() == reflect.Struct || want.Kind() == reflect.Map:
		return raw, isTable
	case want == reflect.TypeFor[[]string]():
		return raw, isList && !slices.ContainsFunc(list, func(item any) bool { _, ok := item.(string); return !ok })
	case want.Kind() == reflect.Slice:
		return raw, isList
	case want.Kind() == reflect.Int:
		n, isNumber := raw.(int64)
		return int(n), isNumber && math.MinInt32 <= n && n <= math.MaxInt32
	}
	return raw, reflect.TypeOf(raw) == want
}

// meant gives the text of a variable or a flag the type of the key it is for, if it has that form.
func meant(text string, want reflect.Type) any {
	switch want.Kind() {
	case reflect.Bool:
		if b, err := strconv.ParseBool(text); err == nil {
			return b
		}
	case reflect.Int:
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return n
		}
	case reflect.Slice:
		list := []any{}
		for _, item := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ';' }) {
			list = append(list, strings.TrimSpace(item))
		}
		return list
	}
	return text
}

// forms say what the value of a key must be, by its type.
var forms = map[reflect.Type][2]string{
	reflect.TypeFor[string]():        {"must be a string", "write it in quotes"},
	reflect.TypeFor[bool]():          {"must be true or false", "write it without quotes"},
	reflect.TypeFor[int]():           {"must be a whole number of at most 9 digits", "write it without quotes"},
	reflect.TypeFor[time.Duration](): {"must be a duration", `write a number with its unit in quotes, such as "500ms", "30s", "2m" or "1d"`},
	reflect.TypeFor[Size]():          {"must be a size", `write a whole number with its unit in quotes, such as "16MiB", "2Gi", "500KB" or "4096B"`},
	reflect.TypeFor[PortRange]():     {"must be a port or a range of ports", `write "20000-20999" with ports from 1 to 65535, the lower one first, or a single port, or 0 for any`},
	reflect.TypeFor[[]string]():      {"must be a list of strings", `write it as ["a", "b"]`},
}

func expected(want reflect.Type, path string) (fault, remedy string) {
	if form, ok := forms[want]; ok {
		return form[0], form[1]
	}
	name := tableName(path)
	switch {
	case want.Kind() == reflect.Slice:
		return "must be a list of tables", fmt.Sprintf("write [[%s]] above the keys of each", name)
	case strings.HasSuffix(path, "]"):
		return "must be a table", fmt.Sprintf("write [[%s]] above its keys", name)
	}
	return "must be a table", fmt.Sprintf("write [%s] above its keys", name)
}

// keysOf are the keys of a table, by name.
func keysOf(t reflect.Type) map[string]reflect.StructField {
	return maps.Collect(func(yield func(string, reflect.StructField) bool) {
		for _, f := range reflect.VisibleFields(t) {
			if key := f.Tag.Get("toml"); key != "" && !yield(key, f) {
				return
			}
		}
	})
}
