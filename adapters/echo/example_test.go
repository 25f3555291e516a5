package inngestecho_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/labstack/echo/v4"

	inngestecho "github.com/inngestkit/inngestkit/adapters/echo"
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

	e := echo.New()
	e.Use(inngestecho.Middleware(app))
	inngestecho.Mount(e, app) // /api/inngest
	e.POST("/users", func(c echo.Context) error {
		ids, err := inngestecho.Send(c, userCreated.New(UserCreated{UserID: "u1", Email: "u1@example.com"}))
		if err != nil {
			return err // an *echo.HTTPError
		}
		return c.JSON(http.StatusAccepted, map[string]any{"events": ids})
	})

	w := httptest.NewRecorder()
	e.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/inngest", nil))
	fmt.Println(w.Code, app.FunctionIDs())
	// Output: 200 [welcome-new-user]
}
