package embedded

import (
	"fmt"
	"strconv"
	"strings"
)

// sqlExpression evaluates an expression for a message's properties: to a bool, a float64, a string, or nil for NULL
// and for what cannot be compared. Only true selects a message.
type sqlExpression func(properties) any

// parseSQL reads the SQL92 subset of RocketMQ's filters (SelectorParser.jj): comparisons, BETWEEN, IN, IS NULL, AND, OR,
// NOT and parentheses over property names, numbers, texts and booleans.
func parseSQL(text string) (sqlExpression, error) {
	tokens, err := lexSQL(text)
	if err != nil {
		return nil, err
	}
	p := &sqlParser{tokens: tokens}
	e := p.or()
	if p.err == nil && p.at < len(p.tokens) {
		p.fail("nothing more")
	}
	return e, p.err
}

// sqlParser is a recursive descent; after an error its results mean nothing.
type sqlParser struct {
	tokens []sqlToken
	at     int
	err    error
}

func (p *sqlParser) fail(wanted string) sqlExpression {
	found := "the end"
	if p.at < len(p.tokens) {
		found = strconv.Quote(p.tokens[p.at].text)
	}
	if p.err == nil {
		p.err = fmt.Errorf("the expression has %s where %s should be", found, wanted)
	}
	p.at = len(p.tokens)
	return func(properties) any { return nil }
}

// word takes the next token if it is this keyword or sign.
func (p *sqlParser) word(word string) bool {
	if p.at < len(p.tokens) && p.tokens[p.at].kind == sqlWord && strings.EqualFold(p.tokens[p.at].text, word) {
		p.at++
		return true
	}
	return false
}

func (p *sqlParser) want(word string) {
	if !p.word(word) {
		p.fail(word)
	}
}

func (p *sqlParser) or() sqlExpression {
	e := p.and()
	for p.word("OR") {
		a, b := e, p.and()
		e = func(m properties) any { return either(a(m), b(m), true) }
	}
	return e
}

func (p *sqlParser) and() sqlExpression {
	e := p.not()
	for p.word("AND") {
		a, b := e, p.not()
		e = func(m properties) any { return either(a(m), b(m), false) }
	}
	return e
}

func (p *sqlParser) not() sqlExpression {
	if !p.word("NOT") {
		return p.comparison()
	}
	e := p.not()
	return func(m properties) any { return negate(e(m)) }
}

func (p *sqlParser) comparison() sqlExpression {
	left := p.operand()
	for _, sign := range []string{"=", "<>", "!=", "<=", ">=", "<", ">"} {
		if p.word(sign) {
			right := p.operand()
			return func(m properties) any { return compare(left(m), sign, right(m)) }
		}
	}
	if p.word("IS") {
		not := p.word("NOT")
		p.want("NULL")
		return func(m properties) any { return (left(m) == nil) != not }
	}
	not := p.word("NOT")
	var e sqlExpression
	switch {
	case p.word("BETWEEN"):
		e = p.between(left)
	case p.word("IN"):
		e = p.in(left)
	case not:
		return p.fail("BETWEEN or IN")
	default:
		return left
	}
	if not {
		return func(m properties) any { return negate(e(m)) }
	}
	return e
}

func (p *sqlParser) between(left sqlExpression) sqlExpression {
	low := p.operand()
	p.want("AND")
	high := p.operand()
	return func(m properties) any {
		v := left(m)
		return either(compare(v, ">=", low(m)), compare(v, "<=", high(m)), false)
	}
}

func (p *sqlParser) in(left sqlExpression) sqlExpression {
	p.want("(")
	list := []sqlExpression{p.operand()}
	for p.word(",") {
		list = append(list, p.operand())
	}
	p.want(")")
	return func(m properties) any {
		v := left(m)
		if v == nil {
			return nil
		}
		for _, e := range list {
			if compare(v, "=", e(m)) == true {
				return true
			}
		}
		return false
	}
}

func (p *sqlParser) operand() sqlExpression {
	if p.word("(") {
		e := p.or()
		p.want(")")
		return e
	}
	if p.at >= len(p.tokens) {
		return p.fail("a value")
	}
	t := p.tokens[p.at]
	value, isValue := t.value()
	switch {
	case isValue:
		p.at++
		return func(properties) any { return value }
	case t.isName():
		p.at++
		return func(m properties) any { return m.sqlValue(t.text) }
	}
	return p.fail("a value")
}
