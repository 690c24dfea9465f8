package embedded

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// decodeBody reads a JSON body into a struct as fastjson2 reads it into a class of Java, which takes far more than
// encoding/json does; clients rely on it (librocketmq writes enumerations as numbers and versions as texts). What a real
// 5.5.0 makes of many spellings is in testdata/bodies.tsv. The struct says what Java has:
//
//   - int and int32 are an int of Java, int64 a long: numbers, fractions cut to their whole part, numbers in quotes, truth
//     values, and null or an empty text for 0
//   - a string takes any value as its text, null as an empty one; with a tag `enum:"A B"` it takes these words in any
//     case, and their numbers from 0; other words leave it empty
//   - a bool takes 1, -1, "1", "Y" and "true"
//   - a slice takes a single object for a list of one, and no null for an object
//
// Keys must be spelled as in the json tags. What the body leaves out keeps its value: fill in defaults before.
func decodeBody(body []byte, into any) error {
	p := &jsonReader{text: body}
	if p.peek() != '{' {
		return p.bad("the body is not an object")
	}
	p.into(reflect.ValueOf(into).Elem(), "")
	if p.end(); p.err != nil {
		return p.err
	}
	return nil
}

// into reads the next value into v; enum has the words of an enumeration.
func (p *jsonReader) into(v reflect.Value, enum string) {
	switch v.Kind() {
	case reflect.Int, reflect.Int32:
		v.SetInt(int64(p.number()))
	case reflect.Int64:
		v.SetInt(p.whole(64))
	case reflect.Bool:
		v.SetBool(p.truth())
	case reflect.String:
		if enum != "" {
			v.SetString(p.word(strings.Fields(enum)))
		} else {
			v.SetString(p.remark())
		}
	case reflect.Struct:
		p.object(v)
	case reflect.Pointer:
		p.pointer(v)
	case reflect.Map:
		v.Set(reflect.ValueOf(p.extFields()))
	case reflect.Slice:
		p.list(v)
	default:
		panic("embedded: a body cannot have a " + v.Type().String())
	}
}

// object reads the fields of a struct.
func (p *jsonReader) object(v reflect.Value) {
	if p.peek(); !p.accept('{') {
		p.fail("an object is missing")
	}
	for first := true; p.more('}', first, true); first = false {
		key := string(p.key())
		i := slices.IndexFunc(reflect.VisibleFields(v.Type()), func(f reflect.StructField) bool {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			return name == key
		})
		if i < 0 {
			p.value()
			continue
		}
		p.into(v.Field(i), v.Type().Field(i).Tag.Get("enum"))
	}
}

// pointer reads what may be absent: null and an empty text say so.
func (p *jsonReader) pointer(v reflect.Value) {
	if p.absent() {
		v.SetZero()
		return
	}
	v.Set(reflect.New(v.Type().Elem()))
	p.into(v.Elem(), "")
}

// absent steps over null or an empty text.
func (p *jsonReader) absent() bool {
	if c := p.peek(); c == '{' || c == '[' {
		return false
	}
	if v := p.value(); v.kind != jsonNull && len(v.text) > 0 {
		p.fail(fmt.Sprintf("%q stands where an object or a list belongs", v.text))
	}
	return true
}

// list reads a list, or a single object as a list of one; json.RawMessage is any value as it stands.
func (p *jsonReader) list(v reflect.Value) {
	if v.Type() == reflect.TypeFor[json.RawMessage]() {
		p.peek()
		start := p.at
		p.value()
		v.SetBytes(p.text[start:p.at])
		return
	}
	v.SetZero()
	switch {
	case p.absent():
	case p.accept('['):
		v.Set(reflect.MakeSlice(v.Type(), 0, 0))
		for first := true; p.more(']', first, true); first = false {
			p.element(v)
		}
	default:
		p.element(v)
	}
}

// element appends one element of a list. A null among objects makes servers of Java throw when they come to it.
func (p *jsonReader) element(v reflect.Value) {
	kind := v.Type().Elem().Kind()
	if p.peek() == 'n' && (kind == reflect.Struct || kind == reflect.Pointer) {
		p.fail("null stands in a list of objects")
		return
	}
	e := reflect.New(v.Type().Elem()).Elem()
	p.into(e, "")
	v.Set(reflect.Append(v, e))
}

// truth reads a truth value.
func (p *jsonReader) truth() bool {
	v := p.value()
	text := string(v.text)
	switch {
	case v.kind == jsonNumber:
		return text == "1" || text == "-1"
	case v.kind != jsonObject && (text == "1" || text == "Y" || strings.EqualFold(text, "true")):
		return true
	case v.kind == jsonNull || v.kind != jsonObject && (text == "" || text == "0" || text == "N" || strings.EqualFold(text, "false")):
		return false
	}
	p.fail(fmt.Sprintf("%q is not a truth value", text))
	return false
}

// word reads an enumeration: one of the words, or its number.
func (p *jsonReader) word(words []string) string {
	v := p.value()
	text := string(v.text)
	if v.kind == jsonText || v.kind == jsonNull {
		if n, err := strconv.Atoi(text); err == nil && n >= 0 && n < len(words) {
			return words[n]
		}
		if i := slices.IndexFunc(words, func(w string) bool { return strings.EqualFold(w, text) }); i >= 0 {
			return words[i]
		}
		return ""
	}
	n, err := wholePart(text, 32)
	if err != nil || n < 0 || int(n) >= len(words) {
		p.fail(fmt.Sprintf("%q is none of %q", text, words))
		return ""
	}
	return words[n]
}

// errTooLong is what a number is that its type has no room for.
var errTooLong = errors.New("out of range")

// wholePart is the whole part of a number in a text.
func wholePart(text string, bits int) (int64, error) {
	if whole, _, _ := strings.Cut(text, "."); !strings.ContainsAny(text, "eE") {
		if n, err := strconv.ParseInt(whole, 10, bits); err == nil {
			return n, nil
		}
	}
	f, err := strconv.ParseFloat(text, 64)
	if limit := float64(uint64(1) << (bits - 1)); err == nil && (f < -limit || f >= limit) {
		return 0, errTooLong
	}
	return int64(f), err
}
