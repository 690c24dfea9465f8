package stdlog

import (
	"go/parser"
	"go/token"
	"log"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What libraries print is told, also what they printed before there was somebody to tell.
func TestLibrariesAreRedirected(t *testing.T) {
	var told []string
	log.Print("early")
	log.Printf("ERROR: metrics: %d", 1)
	Redirect(func(line string) { told = append(told, line) })
	log.Print("late\n")
	Redirect(nil)
	log.Print("kept")
	require.Equal(t, []string{"early", "ERROR: metrics: 1", "late"}, told)
}

// Lines are kept up to a bound.
func TestWhatIsKeptIsBounded(t *testing.T) {
	k := &keeper{}
	for range 1000 {
		n, err := k.Write([]byte(strings.Repeat("x", 1000)))
		require.NoError(t, err)
		require.Equal(t, 1000, n)
	}
	require.LessOrEqual(t, k.kept.Len(), longestKept)
}

// With an import from elsewhere the package would be initialized after the libraries that it is to redirect.
func TestOnlyTheStandardLibraryIsImported(t *testing.T) {
	parsed, err := parser.ParseFile(token.NewFileSet(), "stdlog.go", nil, parser.ImportsOnly)
	require.NoError(t, err)
	for _, i := range parsed.Imports {
		path, err := strconv.Unquote(i.Path.Value)
		require.NoError(t, err)
		require.NotContains(t, path, ".")
	}
}
