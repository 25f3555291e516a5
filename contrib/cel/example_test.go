package inngestcel_test

import (
	"context"
	"fmt"
	"time"

	inngestcel "github.com/inngestkit/inngestkit/contrib/cel"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
)

func ExampleCheck() {
	type Order struct {
		Customer string `json:"customer"`
	}
	orderPlaced := inngestkit.DefineEvent[Order]("order/placed")
	app, _ := inngestkit.New(inngestkit.Config{AppID: "shop", Dev: true})
	err := app.Register(inngestkit.OnEvent("fulfil", orderPlaced,
		func(context.Context, inngestkit.Input[Order]) (any, error) { return nil, nil },
		flow.Throttle(10, time.Minute, flow.Key("lower(event.data.customer)"))))
	fmt.Println(err)
	fmt.Println(inngestcel.Check(app))
	// Output:
	// <nil>
	// inngestkit: function "fulfil": Throttle.Key "lower(event.data.customer)" does not compile, at column 6: undeclared reference to 'lower' (in container '')
}
