package main

import (
	"encoding"
	"fmt"
	"io"
	"log/slog"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/lmittmann/tint"
	"golang.org/x/term"

	"github.com/rocketmq-proxy/rocketmq-proxy/config"
	"github.com/rocketmq-proxy/rocketmq-proxy/stdlog"
)

// startLog makes the log that a configuration asks for, and its level, which may change. No line makes anybody wait;
// flush, at the end, does so for a moment.
func (p *program) startLog(l config.Log) (log *slog.Logger, level *slog.LevelVar, flush func()) {
	q := newLogQueue(p.stderr)
	atOnce, _ := p.newLog(l, direct{q})
	q.tell = func(lost int64) { atOnce.Warn("log lines lost, standard error was full", "count", lost) }
	go q.run()
	log, level = p.newLog(l, q)
	return log, level, q.flush
}

// redirectLibraries puts what libraries print by themselves into the log of the process.
func redirectLibraries(log *slog.Logger) {
	stdlog.Redirect(func(line string, suppressed int) {
		if suppressed > 0 {
			log.Info("message of a library", "text", line, "suppressed", suppressed)
			return
		}
		log.Info("message of a library", "text", line)
	})
}

// newLog makes a log that writes to out, on the way to standard error. The words of its configuration have been
// validated. On a terminal, text is short and colored.
func (p *program) newLog(l config.Log, out io.Writer) (*slog.Logger, *slog.LevelVar) {
	level := new(slog.LevelVar)
	if err := level.UnmarshalText([]byte(l.Level)); err != nil {
		panic("BUG: a log level passed validation: " + err.Error())
	}
	switch {
	case l.Format == "json":
		return slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{Level: level, ReplaceAttr: readable})), level
	case isTerminal(p.stderr):
		return slog.New(p.terminalLog(out, level)), level
	}
	return slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: level, ReplaceAttr: inText})), level
}

func (p *program) terminalLog(out io.Writer, level slog.Leveler) slog.Handler {
	return tint.NewTextHandler(out, &tint.Options{Level: level, ReplaceAttr: inText, TimeFormat: time.TimeOnly, NoColor: p.variable("NO_COLOR") != ""})
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// inText is readable for formats without lists: commas stand between the entries, which may have blanks in them.
func inText(groups []string, a slog.Attr) slog.Attr {
	if list, ok := a.Value.Any().([]string); ok {
		return slog.String(a.Key, strings.Join(list, ", "))
	}
	return readable(groups, a)
}

// readable writes values as people read them, the same in text and in JSON: no bare nanoseconds, no Go structs. Secrets
// in URLs are masked, also in the errors of libraries.
func readable(_ []string, a slog.Attr) slog.Attr {
	switch a.Value.Kind() {
	case slog.KindDuration:
		a.Value = slog.StringValue(a.Value.Duration().String())
	case slog.KindString:
		a.Value = slog.StringValue(config.Mask(a.Value.String()))
	case slog.KindAny:
		if text, ok := readableText(a.Value.Any()); ok {
			a.Value = slog.StringValue(config.Mask(text))
		}
	default: // numbers and times
	}
	return a
}

// readableText is false for what both formats write well: lists and levels.
func readableText(v any) (text string, ok bool) {
	switch v := v.(type) {
	case slog.Level, *slog.Source, nil:
		return "", false
	case error:
		return v.Error(), true
	case fmt.Stringer:
		if r := reflect.ValueOf(v); r.Kind() == reflect.Pointer && r.IsNil() {
			return "", true
		}
		return v.String(), true
	case encoding.TextMarshaler:
		b, err := v.MarshalText()
		return string(b), err == nil
	}
	switch reflect.TypeOf(v).Kind() {
	case reflect.Struct, reflect.Pointer, reflect.Map:
		return fmt.Sprint(v), true
	}
	return "", false
}
