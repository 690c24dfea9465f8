package admin

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// only refuses requests with other parameters than those that a page knows, or with one of them twice: a misspelled
// parameter would have it do more than was asked for, such as drain all of the proxy.
func only(page http.HandlerFunc, parameters ...string) http.HandlerFunc {
	may := "none"
	if len(parameters) > 0 {
		may = strings.Join(parameters, ", ")
	}
	return func(w http.ResponseWriter, r *http.Request) {
		q, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil {
			refuse(w, http.StatusBadRequest, "cannot read the parameters: "+err.Error())
			return
		}
		for name, values := range q {
			if !slices.Contains(parameters, name) {
				refuse(w, http.StatusBadRequest, "unknown parameter "+name+"=; may be: "+may)
				return
			}
			if len(values) > 1 {
				refuse(w, http.StatusBadRequest, name+"= is given more than once")
				return
			}
		}
		page(w, r)
	}
}
