package stdlog

import (
	"fmt"
	"go/parser"
	"go/token"
	"log"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// What libraries print is told, also what they printed before there was somebody to tell.
func TestLibrariesAreRedirected(t *testing.T) {
	var told []string
	log.Print("early")
	log.Printf("ERROR: metrics: %d", 1)
	Redirect(func(line string, _ int) { told = append(told, line) })
	log.Print("late\n")
	Redirect(nil)
	log.Print("kept")
	require.Equal(t, []string{"early", "ERROR: metrics: 1", "late"}, told)
}

// A library that says the same with each scrape is told once in an interval, and however much others say is bounded.
func TestRepeatedLinesAreSampled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []string
		k := &keeper{tell: func(line string, suppressed int) { told = append(told, fmt.Sprint(line, " ", suppressed)) }}
		print := func(line string) { _, _ = k.Write([]byte(line + "\n")) }
		for range 20 { // 10 s
			print("same")
			time.Sleep(sampleInterval / 20)
		}
		print("same")
		require.Equal(t, []string{"same 0", "same 19"}, told)
		for i := range 100 {
			print(strconv.Itoa(i))
		}
		require.Len(t, told, 1+linesPerInterval)
	})
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
