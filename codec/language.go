package codec

// Language is the code of a peer's implementation language (LanguageCode.java).
type Language byte

// LanguageUnknown stands for a name that no RocketMQ version knows; Java reads it as null.
const LanguageUnknown Language = 255

// Languages by number.
const (
	Java Language = iota
	CPP
	DotNet
	Python
	Delphi
	Erlang
	Ruby
	Other
	HTTP
	Go
	PHP
	OMS
	Rust
	NodeJS
)

var languageNames = [...]string{
	"JAVA", "CPP", "DOTNET", "PYTHON", "DELPHI", "ERLANG", "RUBY", "OTHER", "HTTP", "GO",
	"PHP", "OMS", "RUST", "NODE_JS",
}

func (l Language) String() string {
	if int(l) < len(languageNames) {
		return languageNames[l]
	}
	return "UNKNOWN"
}

func languageByName(name []byte) Language {
	for i, n := range languageNames {
		if string(name) == n {
			return Language(i)
		}
	}
	return LanguageUnknown
}

// languageByNumber is the language with this code, which is its ordinal as well.
func languageByNumber(n int32) Language {
	if 0 <= n && int(n) < len(languageNames) {
		return Language(n)
	}
	return LanguageUnknown
}
