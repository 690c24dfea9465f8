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
	order, ok := orderOf(a, b)
	if !ok {
		return nil
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

// orderOf compares two numbers or two texts; of anything else it says only whether the two are equal (0). ok is false when
// either is NULL, or they are of two kinds.
func orderOf(a, b any) (order int, ok bool) {
	if a == nil || b == nil {
		return 0, false
	}
	switch x := a.(type) {
	case float64:
		y, ok := b.(float64)
		return cmp.Compare(x, y), ok
	case string:
		y, ok := b.(string)
		return cmp.Compare(x, y), ok
	}
	if a != b {
		return 1, true
	}
	return 0, true
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
