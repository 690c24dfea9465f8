package jsonscan

// Value takes any value.
func (s *Scanner) Value() (t Token) {
	switch s.Next() {
	case '"':
		return s.str()
	case '{':
		t = Token{From: s.Off, Kind: Object}
		s.object()
	case '[':
		t = Token{From: s.Off, Kind: Array}
		s.array()
	default:
		return s.word()
	}
	t.To = s.Off
	return t
}

// Null takes a null, if it is the next value.
func (s *Scanner) Null() bool {
	return s.Next() == 'n' && s.word().Kind == Null
}

// Find takes an object and returns the value of the member called want, of several the last one. It looks into no other
// value.
func (s *Scanner) Find(want string) (value Token, found bool) {
	if !s.Open('{') {
		return Token{}, false
	}
	for first := true; ; first = false {
		key, more := s.Member(first)
		if !more {
			return value, found
		}
		if v := s.Value(); s.Is(key, want) {
			value, found = v, true
		}
		if v := s.findPlain(want); v.Kind != None {
			value, found = v, true
		}
	}
}

func (s *Scanner) object() {
	if !s.Open('{') {
		return
	}
	for first := true; ; first = false {
		if _, more := s.Member(first); !more {
			return
		}
		s.Value()
		s.Off = plainMembers(s.Text, s.Off)
	}
}

// plainMembers passes over members of the usual form ,"key":"value" as far as they go, and leaves all that is unusual
// to object. Nearly all bytes of a header are of this form; here they cost half.
func plainMembers(b []byte, i int) int {
	for i+1 < len(b) && b[i] == ',' && b[i+1] == '"' {
		key, _ := stringEnd(b, i+2)
		if key+2 >= len(b) || b[key+1] != ':' || b[key+2] != '"' {
			return i
		}
		value, _ := stringEnd(b, key+3)
		if value >= len(b) {
			return i
		}
		i = value + 1
	}
	return i
}

// findPlain is plainMembers for Find: it returns the value of the last member called want.
func (s *Scanner) findPlain(want string) (value Token) {
	for {
		key, end, escaped := plainMember(s.Text, s.Off)
		if end == 0 {
			return value
		}
		if string(s.Text[s.Off+2:key]) == want {
			value = Token{key + 2, end, String, escaped}
		}
		s.Off = end
	}
}

// plainMember returns where the key and the value of one plain member end whose comma stands at i; end is 0 when what
// stands there is anything else, also a key with escapes. It calls nothing, which makes it fast.
func plainMember(b []byte, i int) (key, end int, escaped bool) {
	if i+1 >= len(b) || b[i] != ',' || b[i+1] != '"' {
		return 0, 0, false
	}
	key, odd := stringEnd(b, i+2)
	if odd || key+2 >= len(b) || b[key+1] != ':' || b[key+2] != '"' {
		return 0, 0, false
	}
	end, escaped = stringEnd(b, key+3)
	if end >= len(b) {
		return 0, 0, false
	}
	return key, end + 1, escaped
}

func (s *Scanner) array() {
	if !s.Open('[') {
		return
	}
	for first := true; s.Element(first); first = false {
		s.Value()
	}
}

// str takes a string, at whose quote the scanner stands.
func (s *Scanner) str() Token {
	from := s.Off
	end, escaped := stringEnd(s.Text, from+1)
	if end >= len(s.Text) {
		s.Fail("a string without an end")
		return Token{}
	}
	s.Off = end + 1
	return Token{from, end + 1, String, escaped}
}

// stringEnd returns where the quote stands that ends the string whose inside begins at i, len(b) or more for nowhere,
// and whether there are escapes in it. Strings in headers are short: byte by byte is faster here than eight at a time
// or bytes.IndexByte.
func stringEnd(b []byte, i int) (end int, escaped bool) {
	for {
		for i < len(b) && !ends[b[i]] {
			i++
		}
		if i >= len(b) || b[i] == '"' {
			return i, escaped
		}
		escaped = true
		i += 2
	}
}

var ends = [256]bool{'"': true, '\\': true}

// word takes a number or one of the three words of JSON.
func (s *Scanner) word() Token {
	from := s.Off
	kind := None
	switch s.Next() {
	case 't':
		kind = s.literal("true", Bool)
	case 'f':
		kind = s.literal("false", Bool)
	case 'n':
		kind = s.literal("null", Null)
	default:
		kind = s.number()
	}
	if kind == None {
		s.Off = from
		s.Fail("no value")
		return Token{}
	}
	return Token{from, s.Off, kind, false}
}

func (s *Scanner) literal(word string, kind Kind) Kind {
	end := s.Off + len(word)
	if end > len(s.Text) || string(s.Text[s.Off:end]) != word {
		return None
	}
	s.Off = end // Member and Element refuse whatever follows but a delimiter
	return kind
}

// number takes a number as JSON writes them; leading zeros are let through.
func (s *Scanner) number() Kind {
	if s.at() == '-' {
		s.Off++
	}
	if s.digits() == 0 {
		return None
	}
	kind := Integer
	if s.at() == '.' {
		s.Off++
		kind = Number
		if s.digits() == 0 {
			return None
		}
	}
	if s.at()|0x20 == 'e' {
		s.Off++
		kind = Number
		if ch := s.at(); ch == '+' || ch == '-' {
			s.Off++
		}
		if s.digits() == 0 {
			return None
		}
	}
	return kind
}

// at is the next byte, 0 at the end.
func (s *Scanner) at() byte {
	if s.Off < len(s.Text) {
		return s.Text[s.Off]
	}
	return 0
}

func (s *Scanner) digits() int {
	from := s.Off
	for s.Off < len(s.Text) && isDigit(s.Text[s.Off]) {
		s.Off++
	}
	return s.Off - from
}

func isDigit(ch byte) bool { return ch-'0' <= 9 }

// Int32 takes a plain decimal integer of 32 bits, also one in quotes: Java's libraries read "105" as 105. It refuses
// fractions, exponents, leading zeros, escapes and blanks, about which they disagree. ok is false when something else
// comes next, and the scanner is then of no use.
func (s *Scanner) Int32() (n int32, ok bool) {
	quoted := s.Next() == '"'
	if quoted {
		s.Off++
	}
	if n, s.Off, ok = Int32At(s.Text, s.Off); ok && quoted {
		ok = s.at() == '"'
		s.Off++
	}
	return n, ok // Member refuses what follows but a delimiter
}
