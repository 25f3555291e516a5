package inngestfiber_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/gofiber/fiber/v2"

	inngestfiber "github.com/inngestkit/inngestkit/adapters/fiber"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
)

type UserCreated struct {
	UserID string `json:"userId"`
	Email  string `json:"email"`
}

var userCreated = inngestkit.DefineEvent[UserCreated]("user.created")

func welcome(ctx context.Context, in inngestkit.Input[UserCreated]) (string, error) {
	return step.Run(ctx, "send-welcome-email", func(context.Context) (string, error) {
		return "sent to " + in.Event.Data.Email, nil
	})
}

func Example() {
	app, err := inngestkit.New(inngestkit.Config{AppID: "shop", Dev: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := app.Register(inngestkit.OnEvent("welcome-new-user", userCreated, welcome, flow.Retries(5))); err != nil {
		fmt.Println(err)
		return
	}

	f := fiber.New(fiber.Config{
		StreamRequestBody: true,             // else anybody can reserve memory; limits bodies on no route
		ReadTimeout:       20 * time.Second, // else half a request holds up a shutdown
	})
	f.Use(inngestfiber.Middleware(app))
	inngestfiber.Mount(f, app) // /api/inngest
	f.Post("/users", func(c *fiber.Ctx) error {
		ids, err := inngestfiber.Send(c, userCreated.New(UserCreated{UserID: "u1", Email: "u1@example.com"}))
		if err != nil {
			return err // a *fiber.Error
		}
		return c.Status(fiber.StatusAccepted).JSON(fiber.Map{"events": ids})
	})

	resp, err := f.Test(httptest.NewRequest(http.MethodGet, "/api/inngest", nil))
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = resp.Body.Close()
	fmt.Println(resp.StatusCode, app.FunctionIDs())
	// Output: 200 [welcome-new-user]
}
