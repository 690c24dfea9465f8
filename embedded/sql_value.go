package embedded

import (
	"cmp"
	"strconv"
	"strings"
)

// either is OR for winner true and AND for winner false, where nil is unknown.
func either(a, b any, winner bool) any {
	if a == winner || b == winner {
		return winner
	}
	if a == !winner && b == !winner {
		return !winner
	}
	return nil
}

func negate(v any) any {
	if b, ok := v.(bool); ok {
		return !b
	}
	return nil
}

// sqlValue is a property as an operand: NULL when it is not there, else its text.
func (p properties) sqlValue(key string) any {
	for k, v := range p.all {
		if k == key {
			return v
		}
	}
	return nil
}

// compare is nil when either side is NULL or the two cannot be compared. A text beside a number counts as a number,
// if it is one, because all properties are texts.
func compare(a any, sign string, b any) any {
	if s, ok := a.(string); ok {
		a = like(s, b)
	}
	if s, ok := b.(string); ok {
		b = like(s, a)
	}
	if a == nil || b == nil {
		return nil
	}
	var order int
	switch x := a.(type) {
	case float64:
		y, ok := b.(float64)
		if !ok {
			return nil
		}
		order = cmp.Compare(x, y)
	case string:
		y, ok := b.(string)
		if !ok {
			return nil
		}
		order = cmp.Compare(x, y)
	default:
		if a != b {
			order = 1
		}
	}
	switch sign {
	case "=":
		return order == 0
	case "<>", "!=":
		return order != 0
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	}
	return order >= 0
}

// like reads a text as what it is compared with, nil when it is not one.
func like(s string, other any) any {
	switch other.(type) {
	case nil:
		return nil
	case float64:
		if n, err := strconv.ParseFloat(s, 64); err == nil {
			return n
		}
		return nil
	case bool:
		if b, err := strconv.ParseBool(strings.ToLower(s)); err == nil {
			return b
		}
		return nil
	}
	return s
}
