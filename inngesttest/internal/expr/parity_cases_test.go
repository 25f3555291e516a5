package expr_test

import (
	"fmt"
	"slices"
)

// triggerData are the events that the conditions of triggers are evaluated with.
var triggerData = []string{
	`{"s":"hello","e":"","q":"a\"b","b":"a\\b","u":"é","n":7,"z":0,"f":1.5,"big":1e21,"neg":-3,"yes":true,"no":false,
		"nil":null,"list":[1,2,"x",null,{"k":1}],"names":["a","hello"],"none":[],"o":{"k":"v","n":1},"empty":{},
		"d":"2026-01-02T03:04:05Z","day":"2026-01-02","json":"{\"x\":1}","b64":"aGVsbG8=","sec":1700000000,"user-id":"h"}`,
	`{"s":7,"n":"7","z":null,"yes":"yes","no":0,"list":"x","o":null,"none":{},"d":5,"names":["hello",7]}`,
	`{}`,
}

// conditions are those of triggers: all combinations of some operands, and some by hand.
func conditions() []string {
	var all []string
	paths := []string{"s", "e", "n", "z", "f", "yes", "no", "nil", "missing", "list", "o", "o.missing.deep"}
	operators := []string{"==", "!=", "<", "<=", ">", ">="}
	operands := []string{"null", `"hello"`, `""`, "7", "0.0", "true", "event.data.nil", "event.data.missing", "event.data.o"}
	for i, path := range paths {
		for j, operand := range operands {
			// Each operand meets each path with two of the operators, and each operator with each path.
			for _, operator := range []string{operators[(i+j)%2], operators[2+(i+j)%4]} {
				all = append(all, fmt.Sprintf("event.data.%s %s %s", path, operator, operand))
			}
		}
	}
	for i, left := range paths {
		for j, operator := range []string{"&&", "||"} {
			all = append(all, fmt.Sprintf("event.data.%s %s event.data.%s", left, operator, paths[(3*i+j+1)%len(paths)]))
		}
		all = append(all,
			fmt.Sprintf("event.data.%s ? true : false", left),
			"!event.data."+left,
			"event.data."+left,
			fmt.Sprintf("size(event.data.%s) == 0", left),
			fmt.Sprintf("event.data.%s + 'x' == 'hellox'", left),
		)
	}
	return slices.Concat(all, conditionsByHand)
}

var conditionsByHand = []string{
	// operands of logic
	"(event.data.missing || event.data.s) == 'hello'",
	"(event.data.s && event.data.n) == 7",
	"(event.data.none && true) == true",
	"event.data.missing == 1 || event.data.yes",
	"event.data.list[9] == 1 || true",
	"event.data.yes && (event.data.s || false) == 'hello' ? event.data.n == 7 : event.data.missing == null",
	"!(event.data.missing == 1)",
	"!!event.data.missing",
	"!(event.data.missing.deep == null)",
	"'' || true",
	"0 ? false : true",
	// missing paths
	"event.data.missing == event.data.missing",
	"event.data.missing == event.data.other",
	"event.data.missing != event.data.other",
	"event.data.missing < event.data.other",
	"event.data.s.x == null",
	"event.data.nil.x == null",
	"event.data.list.x == null",
	"event.data.missing + 1 == 1",
	"event.data.missing + 'x' == 'x'",
	"event.data.missing + event.data.other == false",
	"event.data.missing - 1 == false",
	"event.data.missing in ['a']",
	"'a' in event.data.missing",
	"event.data.missing.contains('a') == false",
	"event.data.missing.size() == 0",
	"event.missing == null",
	"event.data.o == {'k': 'v', 'n': 1} && event.data.o.missing == null",
	"missing == null",
	"async.data.s == null",
	"has(event.data.missing)",
	"has(event.data.s)",
	"has(event.data.o.k)",
	"has(event.data.missing.deep) == false",
	"event['data']['s'] == 'hello'",
	`event.data["s"] == "hello"`,
	`event.data["missing"] == null`,
	`event.data["user-id"] == "h"`,
	`event["data"].s == "hello"`,
	`event["data"].missing == null`,
	// text
	`event.data.q == "a\"b"`,
	`event.data.q == 'a"b'`,
	`event.data.q != "a\"b"`,
	`event.data.b == "a\\b"`,
	`event.data.b == 'a\b'`,
	`event.data.u == "é"`,
	`event.data.u == "\u00e9"`,
	`"a" + "b" == "ab"`,
	`event.data.s.startsWith("he") && event.data.s.endsWith("lo")`,
	`event.data.s.contains("ell")`,
	`event.data.s.matches("h.*o")`,
	`event.data.s < "i"`,
	`event.data.s > 5`,
	`event.data.s + event.data.n == "hello7"`,
	`event.data.n + event.data.s == "7hello"`,
	`event.data.s + event.data.f == "hello1.5"`,
	`event.data.s + event.data.yes == "hellotrue"`,
	`event.data.s + event.data.nil == "hello"`,
	`event.data.s + event.data.o == "hellomap[k:v n:1]"`,
	`lowercase(event.data.s) == "hello"`,
	`uppercase(event.data.s) == "HELLO"`,
	`lowercase(event.data.n) == ""`,
	`b64decode(event.data.b64) == "hello"`,
	`b64decode(event.data.n) == ""`,
	`json_parse(event.data.json).x == 1`,
	`json_parse(event.data.s) == {}`,
	`size(json_parse(event.data.names)) == 0`,
	`event.data.s == "hello" // a comment`,
	"event.data.s // a comment\n == 'hello'",
	`event.data.s == """hello"""`,
	`event.data.s == r"hello"`,
	`event.name == "parity/trigger"`,
	`event.user == {}`,
	`event.v == null`,
	// numbers
	"event.data.n == 7u",
	"event.data.n == 0x7",
	"event.data.n == 7.0",
	"event.data.n > 6.5 && event.data.n < 8",
	"event.data.neg == -3",
	"event.data.neg < -2.5",
	"-event.data.neg == 3.0",
	"event.data.n + 1 == 8",
	"event.data.n + 1.0 == 8.0",
	"event.data.n - 1.0 == 6.0",
	"event.data.n - 1 == 6",
	"event.data.n * 2.0 == 14.0",
	"event.data.n / 2.0 == 3.5",
	"event.data.n % 2 == 1",
	"int(event.data.n) % 2 == 1",
	"int(event.data.s) == 7",
	"double(event.data.n) == 7.0",
	"string(event.data.n) == '7'",
	"bool(event.data.yes)",
	"event.data.big == 1e21",
	"event.data.big > 100000000000000000000",
	"1 + 1 == 2",
	"5 / 2 == 2",
	".5 < event.data.f",
	"event.data.n == '7'",
	"event.ts > 0",
	"event.ts == 1700000000000.0",
	// lists and objects
	"'hello' in event.data.names",
	"event.data.s in ['a', 'hello']",
	"event.data.n in [1, 7]",
	"'k' in event.data.o",
	"event.data.list[0] == 1",
	"event.data.list[9] == null",
	"event.data.list[4].k == 1",
	"event.data.list[4].missing == null",
	"event.data.names == ['a', 'hello']",
	"event.data.none == []",
	"event.data.empty == {}",
	"event.data.o == {'k': 'v', 'n': 1}",
	"event.data.o.k == 'v'",
	"event.data.names.exists(x, x == 'hello')",
	"event.data.names.all(x, x != 'b')",
	"event.data.names.exists_one(x, x == 'a')",
	"event.data.list.exists(x, x == null)",
	"event.data.list.exists(x, x > 1)",
	"event.data.missing.exists(x, x == 1)",
	"event.data.missing.all(x, x == 1)",
	"event.data.s.exists(x, x == 'h')",
	"event.data.o.exists(k, k == 'n')",
	"event.data.names.filter(x, x == 'hello') == ['hello']",
	"event.data.names.map(x, x + '!') == ['a!', 'hello!']",
	"size(event.data.names.filter(x, x != event.data.s)) == 1",
	"event.data.names.exists(x, x == event.data.s && event.data.yes)",
	"event.data.names.exists(x, x == event.data.missing)",
	"event.data.s in event.data.names ? event.data.n > 5 : false",
	// times
	`date(event.data.d) == date("2026-01-02T03:04:05Z")`,
	`date(event.data.d) > date("2026-01-01")`,
	`date(event.data.day) < timestamp("2026-01-02T00:00:01Z")`,
	`date("Mon, 02 Jan 2006 15:04:05 MST") < now()`,
	`date(1700000000) < now()`,
	`date(1700000000000) == date(1700000000)`,
	`now() > now_minus("1h") && now() < now_plus("1d")`,
	`date(event.data.d) - date(event.data.day) == duration("11045s")`,
	`date(event.data.d).getFullYear() == 2026`,
	// times that cannot be read, numbers of JSON among them
	"date(event.ts) < now()",
	"date(event.data.sec) < now()",
	"date(int(event.data.sec)) < now()",
	"date(event.data.s) == null",
	"date(event.data.missing) < now()",
	"date(event.data.missing) == null",
	"date(event.data.nil) == null",
	"date(event.ts) == null || true",
	"!(date(event.ts) < now())",
	"now_plus('soon') > now()",
}

// A meeting has the data of an event that starts a run, and of one that it waits for.
type meeting struct{ trigger, awaited string }

var meetings = []meeting{
	{`{"s":"x","n":7,"nil":null,"q":"a\"b","b":"a\\b","u":"é","z":"a` + "\u200b" + `b","yes":true,"f":1.5,"million":1000000,"small":0.0000001,
		"list":[1,"a"],"o":{"k":"v"},"dots":"event.x","ts":1700000000000,"d":"2026-01-02","user-id":"h"}`,
		`{"s":"x","n":7,"nil":null,"q":"a\"b","b":"a\\b","u":"é","z":"a` + "\u200b" + `b","yes":true,"f":1.5,"million":1000000,"small":0.0000001,
		"list":[1,"a"],"o":{"k":"v"},"dots":"event.x","ts":1700000000000,"d":"2026-01-02","user-id":"h"}`},
	{`{"s":"x","n":7,"yes":false}`, `{"s":"y","n":8,"yes":true,"only":1}`},
	{`{"s":"x","n":7,"o":{"k":"v"}}`, `{}`},
	{`{}`, `{"s":"x","n":7,"nil":null,"yes":true,"o":{"k":"v"},"list":[1,"a"]}`},
	{`{}`, `{}`},
}

// waitConditions are those of waits.
func waitConditions() []string {
	var all []string
	for _, path := range []string{"s", "n", "nil", "q", "b", "u", "z", "yes", "f", "list", "o", "dots", "ts", "o.k", "missing"} {
		all = append(all, fmt.Sprintf("event.data.%[1]s == async.data.%[1]s", path))
	}
	for _, path := range []string{"s", "n", "nil", "missing"} {
		for _, operator := range []string{"!=", "<", "<=", ">", ">="} {
			all = append(all, fmt.Sprintf("event.data.%[1]s %[2]s async.data.%[1]s", path, operator))
		}
		all = append(all, fmt.Sprintf("async.data.%[1]s == event.data.%[1]s", path),
			fmt.Sprintf("async.data.%[1]s > event.data.%[1]s", path))
	}
	return append(all,
		"event.data.million == async.data.million",
		"event.data.small == async.data.small",
		"async.data.s == 'x'",
		"async.data.missing == null",
		"async.data.yes",
		"event.data.yes",
		"event.data.yes == async.data.yes && event.data.s == async.data.s",
		"event.data.s == 'x' && async.data.n == 7",
		"event.data.s == 'x' || async.data.n == 8",
		"event.data.s == async.data.s || event.data.missing == async.data.missing",
		"(event.data.s == async.data.s || async.data.n > 7) && (event.data.n == 7 || async.data.yes)",
		"!(event.data.s == async.data.s)",
		"!(event.data.missing == async.data.s && async.data.n == 7)",
		"event.data.missing == async.data.missing && async.data.s.contains('x')",
		"event.data.missing == async.data.missing && async.data.yes",
		"event.data.missing == async.data.missing && async.data.n in [7, 8]",
		"event.data.missing == async.data.missing ? true : false",
		"event.data.missing == 'x' || async.data.s == 'x'",
		"event.data.missing != 'x' && async.data.s == 'x'",
		"7 < async.data.n && event.data.missing == async.data.missing",
		"7 <= async.data.n && event.data.s == async.data.s",
		"async.data.n > event.data.n",
		"async.data.n - event.data.n == 1.0",
		"async.data.n == event.data.n + 1.0",
		"async.data.s + event.data.s == 'xx'",
		"async.data.s == event.data.s + ''",
		`event.data["user-id"] == async.data["user-id"]`,
		`event["data"]["s"] == async.data.s`,
		`event["data"]["s"] == async["data"]["s"] && event.data.n == 7`,
		"async.data.list[0] == event.data.n",
		"event.data.list[1] == async.data.list[1]",
		"async.data.s in ['x', event.data.missing]",
		"async.data.s in event.data.list",
		"event.data.list.exists(x, x == async.data.s)",
		"size(event.data.list) == size(async.data.list)",
		"has(event.data.s) && async.data.s == 'x'",
		"has(async.data.s) && event.data.s == 'x'",
		"async.name == event.name",
		"event.id == async.data.s",
		"async.ts >= event.ts",
		"async.data.only == 1 && event.data.s == 'x'",
		"date(event.data.d) == date(async.data.d)",
		"date('2026-01-02') < now() && event.data.s == async.data.s",
		"lowercase(event.data.s) == lowercase(async.data.s)",
		`event.data.s == async.data.s && async.data.q == "a\"b"`,
		`async.data.q == 'a"b'`,
		"1",
		"event.data.n",
		"async.data.s",
		"true",
		"event.data.s ==",
		"event.data.s = async.data.s",
		"lower(event.data.s) == async.data.s",
		"unknown.data.s == async.data.s",
	)
}
