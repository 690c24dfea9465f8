package embedded

import "errors"

// sqlExpression evaluates to true, false, a number, a text, or nil for NULL and unknown.
type sqlExpression func(properties) any

func parseSQL(string) (sqlExpression, error) { return nil, errors.New("SQL92 is not supported yet") }
