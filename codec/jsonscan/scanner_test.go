package jsonscan_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec/jsonscan"
)

// take takes one value and the end of the text.
func take(text string, d jsonscan.Dialect) (jsonscan.Token, *jsonscan.Scanner) {
	s := &jsonscan.Scanner{Text: []byte(text), Dialect: d}
	t := s.Value()
	s.End()
	return t, s
}

func TestKinds(t *testing.T) {
	f := func(text string, want jsonscan.Kind) {
		t.Helper()
		got, s := take(text, jsonscan.Strict)
		require.NoError(t, s.Err())
		require.Equal(t, want, got.Kind)
		require.Equal(t, strings.TrimSpace(text), text[got.From:got.To])
	}
	f(`"a"`, jsonscan.String)
	f(" \t\r\n17 ", jsonscan.Integer)
	f("-0", jsonscan.Integer)
	f("007", jsonscan.Integer)
	f("1.5", jsonscan.Number)
	f("-2.5e+3", jsonscan.Number)
	f("1E5", jsonscan.Number)
	f("true", jsonscan.Bool)
	f("false", jsonscan.Bool)
	f("null", jsonscan.Null)
	f(`{"a":[1,{"b":null}],"c":"}"}`, jsonscan.Object)
	f(`[ ]`, jsonscan.Array)
}

func TestFaultsNameTheirPlace(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		for _, d := range []jsonscan.Dialect{jsonscan.Strict, jsonscan.Lenient} {
			_, s := take(text, d)
			require.EqualError(t, s.Err(), want)
			require.IsType(t, (*jsonscan.SyntaxError)(nil), s.Err())
			require.True(t, s.Failed())
		}
	}
	f(``, "no value at byte 0 of 0")
	f(`nul`, "no value at byte 0 of 3")
	f(`1.`, "no value at byte 0 of 2")
	f(`{"a":1 "b":2}`, "no comma and no '}' at byte 7 of 13")
	f(`{"a":1,}`, "no key at byte 7 of 8")
	f(`{"a" 1}`, "no colon behind a key at byte 5 of 7")
	f(`{"a`, "a string without an end at byte 1 of 3")
	f(`["a\"]`, "a string without an end at byte 1 of 6")
	f(`[1 2]`, "no comma and no ']' at byte 3 of 5")
	f(`[1,]`, "no value at byte 3 of 4")
	f(`{}x`, "bytes after the object at byte 2 of 3")
	f(strings.Repeat("[", 66), "more than 64 levels of nesting at byte 65 of 66")
	f(strings.Repeat(`{"a":`, 100_000), "more than 64 levels of nesting at byte 325 of 500000")
}

func TestOnlyTheLenientDialectTakesKeysThatAreNotStrings(t *testing.T) {
	const body = `{0:"a",-7:1,{"x":3}:{12:null},[1]:2,"9":0}`
	_, s := take(body, jsonscan.Strict)
	require.EqualError(t, s.Err(), "no key at byte 1 of 42")

	_, s = take(body, jsonscan.Lenient)
	require.NoError(t, s.Err())
	var bare []string
	for _, key := range s.BareKeys {
		bare = append(bare, body[key.From:key.To])
	}
	require.Equal(t, []string{"0", "-7", "12"}, bare)

	for _, bad := range []string{`{0.5:1}`, `{1e3:1}`, `{true:1}`, `{null:1}`, `{a:1}`, `{'a':1}`} {
		_, s := take(bad, jsonscan.Lenient)
		require.Error(t, s.Err(), bad)
	}
}

func TestInt32TakesPlainIntegersAndTheSameInQuotes(t *testing.T) {
	f := func(text string, want int32) {
		t.Helper()
		for _, text := range []string{text, `"` + text + `"`} {
			s := jsonscan.Scanner{Text: []byte(" " + text)}
			got, ok := s.Int32()
			require.True(t, ok)
			require.Equal(t, want, got)
			require.Len(t, text, s.Off-1)
		}
	}
	f("0", 0)
	f("-0", 0)
	f("105", 105)
	f("2147483647", 1<<31-1)
	f("-2147483648", -1<<31)
	for _, bad := range []string{
		``, `-`, `+1`, `01`, `2147483648`, `-2147483649`, `99999999999`, `"`, `""`, `"1`, `" 1"`, `"1 "`, `"01"`, `"1.0"`,
		`"\u0031"`, `null`, `true`, `[1]`,
	} {
		s := jsonscan.Scanner{Text: []byte(bad)}
		_, ok := s.Int32()
		require.False(t, ok, bad)
	}
}

func TestContentsAndIsResolveEscapes(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		tok, s := take(text, jsonscan.Strict)
		require.NoError(t, s.Err())
		require.Equal(t, want, string(s.Contents(tok)))
		require.True(t, s.Is(tok, want))
		require.False(t, s.Is(tok, want+"x"))
		require.False(t, s.Is(tok, "x"+want))
		if want != "" {
			require.False(t, s.Is(tok, want[1:]))
			require.False(t, s.Is(tok, want[:len(want)-1]))
		}
	}
	f(`""`, "")
	f(`"topic"`, "topic")
	f(`"\u0074op\u0069c"`, "topic")
	f(`"\"\\\/\b\f\n\r\t"`, "\"\\/\b\f\n\r\t")
	f(`"\u00e9é\uD83D\ude00"`, "éé😀")
	f(`"\ud83d"`, "\ufffd")
	f(`"\ud83dx"`, "\ufffdx")
	f(`"\ud83d\u0041"`, "\ufffdA")
	f(`"\ude00\ud83d"`, "\ufffd\ufffd")
	f(`"\q"`, "q")         // not JSON: the character itself
	f(`"\u00g1"`, "u00g1") // nor this
	f(`12.50`, "12.50")
	f(`{"a" : 1}`, `{"a" : 1}`)
}

func TestFindTakesTheLastOfTwo(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		s := jsonscan.Scanner{Text: []byte(text)}
		v, ok := s.Find("k")
		require.NoError(t, s.Err())
		require.Equal(t, want != "", ok)
		require.Equal(t, want, text[v.From:v.To])
	}
	f(`{}`, "")
	f(`{"k":1}`, "1")
	f(`{"a":"1","k":"2","k":"3","b":"4"}`, `"3"`)
	f(`{"a":"1","k":"2","\u006b":"3","b":"4"}`, `"3"`)
	f(`{"k":"1", "k" : null }`, "null")
	f(`{"a":"k","b":{"k":1},"c":["k"]}`, "")
	f(`{"a":"1","kk":"2","":"3"}`, "")
}

func TestIterators(t *testing.T) {
	const body = `{ "a":[ 1 ,2], "b" : [] ,"c":[3] }`
	s := jsonscan.Scanner{Text: []byte(body)}
	var got []string
	for from, key := range s.Members() {
		got = append(got, string(s.Contents(key))+" from "+body[from:from+4])
		for from := range s.Elements() {
			v := s.Value()
			got = append(got, body[from:v.To])
		}
	}
	s.End()
	require.NoError(t, s.Err())
	require.Equal(t, []string{`a from "a":`, "1", "2", `b from  "b"`, `c from "c":`, "3"}, got)
}

// What strict accepts beyond JSON are leading zeros and odd strings; whatever JSON allows, it accepts, up to its depth.
func FuzzScanner(f *testing.F) {
	for _, text := range []string{``, `{}`, `[1,-2.5e+3,true,null,{}]`, `{"a":{"b":"\u0041\ud83d\ude00\q"}}`, `{0:{"k":"v"},"k":"w"}`, `01`, "\"\x00\xff\""} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		before := slices.Clone(text)
		strict, s := take(string(text), jsonscan.Strict)
		lenient, l := take(string(text), jsonscan.Lenient)
		if !s.Failed() {
			require.False(t, l.Failed(), "lenient refuses what strict takes")
			require.Equal(t, strict, lenient)
			require.Empty(t, l.BareKeys)
		}
		if json.Valid(text) && strings.Count(string(text), "[")+strings.Count(string(text), "{") <= jsonscan.MaxDepth {
			require.NoError(t, s.Err())
			var want string
			if strict.Kind == jsonscan.String && json.Unmarshal(text, &want) == nil {
				require.Equal(t, want, string([]rune(string(s.Contents(strict)))))
			}
		}
		if strict.Kind == jsonscan.String {
			require.True(t, s.Is(strict, string(s.Contents(strict))))
		}
		requireFindAgrees(t, text)
		require.Equal(t, before, text)
	})
}

// requireFindAgrees compares Find with a walk that decodes each key.
func requireFindAgrees(t *testing.T, text []byte) {
	t.Helper()
	walk, find := jsonscan.Scanner{Text: text}, jsonscan.Scanner{Text: text}
	var want jsonscan.Token
	found := false
	for _, key := range walk.Members() {
		name := string(walk.Contents(key))
		if v := walk.Value(); name == "k" {
			want, found = v, true
		}
	}
	got, ok := find.Find("k")
	require.Equal(t, walk.Failed(), find.Failed())
	if !walk.Failed() {
		require.Equal(t, found, ok)
		require.Equal(t, want, got)
	}
}
