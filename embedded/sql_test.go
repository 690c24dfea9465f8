package embedded

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSQLSelects(t *testing.T) {
	m := properties("a\x015\x02price\x0110.5\x02name\x01O'Neil\x02flag\x01true\x02TAGS\x01x\x02")
	f := func(expression string, want bool) {
		t.Helper()
		e, err := newFilter(expression, "SQL92")
		require.NoError(t, err, expression)
		require.Equal(t, want, e.match(m), expression)
	}
	f("a = 5", true)
	f("a > 4 AND a < 6", true)
	f("a >= 5 and price <= 10.5", true)
	f("a <> 5 OR name = 'O''Neil'", true)
	f("a BETWEEN 0 AND 4", false)
	f("a not between 0 and 4", true)
	f("TAGS IN ('w', 'x')", true)
	f("TAGS NOT IN ('w', 'x')", false)
	f("missing IS NULL", true)
	f("missing IS NOT NULL", false)
	f("a IS NOT NULL", true)
	f("missing = 1", false)
	f("NOT missing = 1", false) // unknown stays unknown
	f("missing = 1 OR a = 5", true)
	f("flag = TRUE", true)
	f("flag = false", false)
	f("NOT (a = 5 AND price > 11)", true)
	f("a > 'x'", false)
	f("a = -1 or 5 = a", true)
	f("TRUE", true)
	f("name > 5", false)
	f("a < 1e2", true)
}

func TestSQLIsRefused(t *testing.T) {
	f := func(expression, want string) {
		t.Helper()
		_, err := newFilter(expression, "SQL92")
		require.ErrorContains(t, err, want, expression)
	}
	f("", "the end where a value")
	f("a =", "the end where a value")
	f("a = 5 b", `"b" where nothing more`)
	f("a BETWEEN 1", "the end where AND")
	f("a IN 5", `"5" where (`)
	f("a NOT 5", `"5" where BETWEEN or IN`)
	f("(a = 1", "the end where )")
	f("a = 'x", "quote that does not end")
	f("a = ;", "';'")
	f("AND", `"AND" where a value`)
	f("a IS 5", `where NULL`)
}

func FuzzSQL(f *testing.F) {
	for _, s := range []string{"", "a = 5", "a BETWEEN 1 AND 2 OR NOT b IN ('x')", "((((", "'", "-", "1e", "a.b-c <> .5"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if e, err := newFilter(s, "SQL92"); err == nil {
			e.match("a\x015\x02")
		}
	})
}
