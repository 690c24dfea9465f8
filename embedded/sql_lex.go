package embedded

import (
	"fmt"
	"strconv"
	"strings"
)

// sqlToken is a word of an expression: a keyword, name or sign, or a literal.
type sqlToken struct {
	kind sqlKind
	text string
}

type sqlKind byte

const (
	sqlWord sqlKind = iota
	sqlNumber
	sqlText
)

// value is what a literal stands for.
func (t sqlToken) value() (v any, ok bool) {
	switch t.kind {
	case sqlNumber:
		n, err := strconv.ParseFloat(strings.TrimRight(t.text, "lLdD"), 64)
		return n, err == nil
	case sqlText:
		return t.text, true
	case sqlWord:
		switch strings.ToUpper(t.text) {
		case "TRUE":
			return true, true
		case "FALSE":
			return false, true
		case "NULL":
			return nil, true
		}
	}
	return nil, false
}

// isName reports whether a word may be a property.
func (t sqlToken) isName() bool {
	switch strings.ToUpper(t.text) {
	case "AND", "OR", "NOT", "BETWEEN", "IN", "IS", "NULL":
		return false
	}
	return t.kind == sqlWord && isNameByte(t.text[0])
}

func isNameByte(c byte) bool {
	return c == '_' || c == '$' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || isDigit(c) || c >= 0x80
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func lexSQL(s string) ([]sqlToken, error) {
	var tokens []sqlToken
	for {
		s = strings.TrimLeft(s, " \t\r\n")
		if s == "" {
			return tokens, nil
		}
		t, n, err := nextSQL(s)
		if err != nil {
			return nil, err
		}
		tokens = append(tokens, t)
		s = s[n:]
	}
}

// nextSQL reads the token that s, not empty, begins with, and returns its length.
func nextSQL(s string) (sqlToken, int, error) {
	for _, sign := range []string{"<>", "!=", "<=", ">=", "=", "<", ">", "(", ")", ","} {
		if strings.HasPrefix(s, sign) {
			return sqlToken{sqlWord, sign}, len(sign), nil
		}
	}
	switch c := s[0]; {
	case c == '\'':
		return sqlQuoted(s)
	case isDigit(c), (c == '-' || c == '+' || c == '.') && len(s) > 1 && (isDigit(s[1]) || s[1] == '.'):
		n := 1
		for n < len(s) && (isDigit(s[n]) || strings.IndexByte(".eElLdD", s[n]) >= 0 ||
			(s[n] == '-' || s[n] == '+') && (s[n-1] == 'e' || s[n-1] == 'E')) {
			n++
		}
		return sqlToken{sqlNumber, s[:n]}, n, nil
	case isNameByte(c):
		n := 1
		for n < len(s) && (isNameByte(s[n]) || s[n] == '.' || s[n] == '-') {
			n++
		}
		return sqlToken{sqlWord, s[:n]}, n, nil
	}
	return sqlToken{}, 0, fmt.Errorf("the expression has %q where a word should be", s[0])
}

// sqlQuoted reads a text in single quotes; two of them inside stand for one.
func sqlQuoted(s string) (sqlToken, int, error) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		if s[i] != '\'' {
			b.WriteByte(s[i])
			continue
		}
		if i+1 < len(s) && s[i+1] == '\'' {
			b.WriteByte('\'')
			i++
			continue
		}
		return sqlToken{sqlText, b.String()}, i + 1, nil
	}
	return sqlToken{}, 0, fmt.Errorf("the expression has a quote that does not end: %s", s)
}
