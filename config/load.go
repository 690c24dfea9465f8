package config

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/knadh/koanf/parsers/toml/v2"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/rawbytes"
	"github.com/knadh/koanf/v2"
	gotoml "github.com/pelletier/go-toml/v2"
)

// Sources are what a configuration is made of. The zero value is the defaults alone, which lack a cluster.
type Sources struct {
	File  string         // path of a TOML file; "": none
	Env   []string       // as os.Environ gives it; nil: none
	Flags map[string]any // by flag name, only those that were given: see flagPaths
}

// Load reads, merges, completes and validates. Every error is a [*Problems], and then there is no configuration.
func Load(s Sources) (*Config, error) {
	var doc []byte
	if s.File != "" {
		var err error
		if doc, err = ReadFile(s.File); err != nil {
			return nil, unreadable(s.File, err)
		}
	}
	return load(s, doc)
}

// load is Load behind the reading of the file.
func load(s Sources, doc []byte) (*Config, error) {
	l := layers{koanf: koanf.New(noDelimiter), origins: map[string]string{}}
	if err := l.file(s.File, doc); err != nil {
		return nil, err
	}
	l.env(s.Env)
	l.flags(s.Flags)

	cfg := Default()
	cfg.origins = l.origins
	l.decode(cfg)
	cfg.Complete()
	problems := l.problems
	for i := range problems {
		problems[i].Owner = cfg.owner(problems[i].Key)
	}
	unread := lostTo(problems)
	for _, p := range check(cfg) {
		if !unread.causes(p) {
			problems = append(problems, p)
		}
	}
	if len(problems) > 0 {
		return nil, &Problems{problems, cfg}
	}
	return cfg, nil
}

// noDelimiter keeps koanf from splitting keys: the name of a broker may hold a dot.
const noDelimiter = "\x00"

// layers merges the sources, later ones over earlier ones, and records which of them set a key.
type layers struct {
	koanf    *koanf.Koanf
	origins  map[string]string // by path
	problems []Problem
}

// file is the lowest layer above the defaults.
func (l *layers) file(name string, doc []byte) error {
	merge := func(src, dest map[string]any) error {
		maps.Copy(dest, src)
		l.note("", src, "file "+name)
		return nil
	}
	err := l.koanf.Load(rawbytes.Provider(doc), toml.Parser(), koanf.WithMergeFunc(merge))
	if err != nil {
		return unreadable(name, err)
	}
	return nil
}

// note records the origin of a value and of everything in it.
func (l *layers) note(path string, value any, origin string) {
	switch v := value.(type) {
	case map[string]any:
		for key, below := range v {
			l.note(join(path, key), below, origin)
		}
	case []any:
		for i, below := range v {
			l.note(index(path, i), below, origin)
		}
	}
	if path != "" {
		l.origins[path] = origin
	}
}

// env lays environment variables over the file.
func (l *layers) env(environ []string) {
	merge := func(src, dest map[string]any) error {
		for _, name := range slices.Sorted(maps.Keys(src)) {
			l.set(dest, variablePath(name), given(src[name].(string)), "environment "+name)
		}
		return nil
	}
	l.overlay(env.Provider("", env.Opt{
		Prefix:        envPrefix,
		TransformFunc: dropForeign,
		EnvironFunc:   func() []string { return environ },
	}), merge)
}

// flags lays flags over everything.
func (l *layers) flags(flags map[string]any) {
	l.overlay(confmap.Provider(flags, ""), func(src, dest map[string]any) error {
		for _, name := range slices.Sorted(maps.Keys(src)) {
			l.flag(dest, name, src[name])
		}
		return nil
	})
}

// overlay loads a layer that cannot fail: what is wrong with it becomes a problem.
func (l *layers) overlay(p koanf.Provider, merge func(src, dest map[string]any) error) {
	if err := l.koanf.Load(p, nil, koanf.WithMergeFunc(merge)); err != nil {
		panic(fmt.Sprintf("BUG: cannot read a layer of configuration: %s", err))
	}
}

// unreadable is the problem of a file that is not there or not TOML.
func unreadable(name string, err error) error {
	p := Problem{Origin: name, Fault: err.Error(), Remedy: "give a readable TOML file with --config"}
	var syntax *gotoml.DecodeError
	var path *fs.PathError
	switch {
	case errors.As(err, &syntax):
		line, column := syntax.Position()
		p.Fault = fmt.Sprintf("line %d, column %d is not TOML: %s", line, column, strings.TrimPrefix(syntax.Error(), "toml: "))
		p.Remedy = "correct that line first; the lines after it were not read"
	case errors.Is(err, fs.ErrNotExist):
		p.Fault = "the file does not exist"
	case errors.As(err, &path):
		p.Fault = path.Err.Error()
	}
	return NewProblems([]Problem{p})
}
