package embedded

import (
	"fmt"
	"strconv"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// decodeJSONHeader reads a header as fastjson2 reads a RemotingCommand: a key that stands twice counts the last time,
// numbers may stand in quotes, be fractions or null, and what has no meaning is skipped if it has any form at all.
func decodeJSONHeader(header []byte) (*codec.Command, error) {
	p := &jsonReader{text: header}
	cmd := &codec.Command{Language: codec.Java}
	p.space()
	if !p.accept('{') {
		return nil, p.bad("a header is an object")
	}
	for first := true; p.more('}', first, false); first = false {
		p.headerField(cmd, string(p.key()))
	}
	p.end()
	if p.err != nil {
		return nil, p.err
	}
	return cmd, nil
}

// headerField reads the value of one key. Keys are compared as they are, in case and punctuation.
func (p *jsonReader) headerField(cmd *codec.Command, key string) {
	switch key {
	case "code":
		cmd.Code = p.number()
	case "flag":
		cmd.Flag = p.number()
	case "opaque":
		cmd.Opaque = p.number()
	case "version":
		cmd.Version = p.number()
	case "language":
		cmd.Language = languageOf(p.value())
	case "remark":
		cmd.Remark = p.remark()
	case "extFields":
		cmd.Ext = p.extFields()
	case "body":
		if v := p.value(); v.kind != jsonNull {
			p.fail("the body does not stand in the header")
		}
	default:
		p.value()
	}
}

// remark reads a text; null is none.
func (p *jsonReader) remark() string {
	v := p.value()
	if v.kind == jsonNull {
		return ""
	}
	return string(v.text)
}

// languageOf takes a name or a number; a name that is unknown counts as none.
func languageOf(v jsonValue) codec.Language {
	if v.kind == jsonNumber {
		n, _ := strconv.ParseUint(string(v.text), 10, 8)
		return codec.Language(n)
	}
	for l := codec.Java; l <= codec.NodeJS; l++ {
		if string(v.text) == l.String() {
			return l
		}
	}
	return codec.LanguageUnknown
}

// extFields reads an object of texts; null and an empty text stand for none. Numbers, words and objects become their
// text, and null takes a key out.
func (p *jsonReader) extFields() map[string]string {
	if p.peek() != '{' {
		if v := p.value(); v.kind != jsonNull && (v.kind != jsonText || len(v.text) > 0) {
			p.fail("extFields is neither an object nor null")
		}
		return nil
	}
	p.accept('{')
	fields := make(map[string]string)
	for first := true; p.more('}', first, true); first = false {
		key := string(p.key())
		if v := p.value(); v.kind == jsonNull {
			delete(fields, key)
		} else {
			fields[key] = string(v.text)
		}
	}
	return fields
}

// number reads an int: a number, cut to its whole part, a number in quotes, a truth value, or null for 0.
func (p *jsonReader) number() int32 { return int32(p.whole(32)) }

// whole reads a whole number of so many bits, in any of the spellings of number.
func (p *jsonReader) whole(bits int) int64 {
	v := p.value()
	text := string(v.text)
	switch {
	case v.kind == jsonNull || text == "" || text == "false":
		return 0
	case text == "true":
		return 1
	case v.kind == jsonObject:
		p.fail("an object stands where a number belongs")
		return 0
	}
	n, err := wholePart(text, bits)
	if err != nil {
		p.fail(fmt.Sprintf("%q is not a number of %d bits", text, bits))
	}
	return n
}
