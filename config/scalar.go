package config

import (
	"encoding"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// scalar reads a value that is no table, or says what is wrong with it and what would be right.
func scalar(raw, into any) (fault, remedy string) {
	if text, ok := raw.(given); ok {
		raw = meant(text, into)
	}
	switch p := into.(type) {
	case *string:
		return assign(raw, p, "it is not a string", `write it in quotes`)
	case *bool:
		return assign(raw, p, "it is not a truth value", "write true or false, without quotes")
	case *int:
		return number(raw, p)
	case *time.Duration:
		return duration(raw, p)
	case *[]string:
		return texts(raw, p)
	case encoding.TextUnmarshaler:
		return unmarshal(raw, p)
	}
	panic(fmt.Sprintf("BUG: a configuration cannot hold a %T", into))
}

// meant gives the text of a variable or a flag the type of the key it is for, if it has that form.
func meant(text given, into any) any {
	switch into.(type) {
	case *bool:
		if b, err := strconv.ParseBool(string(text)); err == nil {
			return b
		}
	case *int:
		if n, err := strconv.ParseInt(string(text), 10, 64); err == nil {
			return n
		}
	case *[]string:
		list := []any{}
		for _, item := range strings.FieldsFunc(string(text), func(r rune) bool { return r == ',' || r == ';' }) {
			list = append(list, strings.TrimSpace(item))
		}
		return list
	}
	return string(text)
}

func assign[T any](raw any, into *T, fault, remedy string) (string, string) {
	v, ok := raw.(T)
	if !ok {
		return fault, remedy
	}
	*into = v
	return "", ""
}

func number(raw any, into *int) (fault, remedy string) {
	n, ok := raw.(int64)
	if !ok {
		return "it is not a whole number", "write digits, without quotes"
	}
	if n < math.MinInt32 || n > math.MaxInt32 {
		return "no key takes a number as large", "write a number of at most 9 digits"
	}
	*into = int(n)
	return "", ""
}

func duration(raw any, into *time.Duration) (fault, remedy string) {
	text, ok := raw.(string)
	d, err := time.ParseDuration(text)
	if !ok || err != nil {
		return "it is not a duration", `write a number with its unit in quotes, such as "30s", "500ms" or "2m"`
	}
	*into = d
	return "", ""
}

func texts(raw any, into *[]string) (fault, remedy string) {
	fault, remedy = "it is not a list of strings", `write it as ["a", "b"]`
	list, ok := raw.([]any)
	if !ok {
		return fault, remedy
	}
	items := make([]string, len(list))
	for i, item := range list {
		if items[i], ok = item.(string); !ok {
			return fault, remedy
		}
	}
	*into = items
	return "", ""
}

// unmarshal reads sizes and ports. Both may be written as a plain number.
func unmarshal(raw any, into encoding.TextUnmarshaler) (fault, remedy string) {
	err := errors.New("it is neither a number nor a string")
	switch v := raw.(type) {
	case int64:
		err = into.UnmarshalText([]byte(strconv.FormatInt(v, 10)))
	case string:
		err = into.UnmarshalText([]byte(v))
	}
	if err == nil {
		return "", ""
	}
	if _, isSize := into.(*Size); isSize {
		return err.Error(), `write a whole number with its unit in quotes, such as "16MiB", "500KB" or "4096B"`
	}
	return err.Error(), `write "20000-20999" with ports from 1 to 65535, the lower one first, or a single port, or 0 for any`
}
