package inngestfiberv3_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/gofiber/fiber/v3"

	inngestfiberv3 "github.com/inngestkit/inngestkit/adapters/fiberv3"
	inngestkit "github.com/inngestkit/inngestkit/core"
)

type PhotoUploaded struct {
	URL string `json:"url"`
}

var photoUploaded = inngestkit.DefineEvent[PhotoUploaded]("photo.uploaded")

func resize(_ context.Context, in inngestkit.Input[PhotoUploaded]) (string, error) {
	return "resized " + in.Event.Data.URL, nil
}

func Example() {
	app, err := inngestkit.New(inngestkit.Config{AppID: "photos", Dev: true})
	if err != nil {
		log.Fatal(err)
	}
	if err := app.Register(inngestkit.OnEvent("resize", photoUploaded, resize)); err != nil {
		log.Fatal(err)
	}
	f := fiber.New(fiber.Config{
		StreamRequestBody: true,             // otherwise any client can reserve memory; disables BodyLimit
		ReadTimeout:       20 * time.Second, // otherwise half a request delays a shutdown
	})
	inngestfiberv3.Mount(f, app) // at /api/inngest

	resp, err := f.Test(httptest.NewRequest(http.MethodGet, "/api/inngest", nil))
	if err != nil {
		log.Fatal(err)
	}
	_ = resp.Body.Close()
	fmt.Println(resp.StatusCode, app.FunctionIDs())
	// Output: 200 [resize]
}

// Handlers return an error of Send. Fiber's error handler responds with its status;
// one of your own can log the cause.
func ExampleSend() {
	inngest := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer inngest.Close()
	app, err := inngestkit.New(inngestkit.Config{AppID: "photos", Dev: true, BaseURL: inngest.URL})
	if err != nil {
		log.Fatal(err)
	}

	f := fiber.New(fiber.Config{ErrorHandler: func(c fiber.Ctx, err error) error {
		if cause, ok := errors.AsType[*inngestkit.SendError](err); ok {
			fmt.Println("log: Inngest responded with", cause.Status)
		}
		return fiber.DefaultErrorHandler(c, err)
	}})
	f.Use(inngestfiberv3.Middleware(app))
	f.Post("/photos", func(c fiber.Ctx) error {
		ids, err := inngestfiberv3.Send(c, photoUploaded.New(PhotoUploaded{URL: "https://example.com/1.jpg"}))
		if err != nil {
			return err
		}
		return c.Status(fiber.StatusAccepted).JSON(fiber.Map{"events": ids})
	})

	resp, err := f.Test(httptest.NewRequest(http.MethodPost, "/photos", nil), fiber.TestConfig{})
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	fmt.Println("client:", resp.StatusCode, string(body))
	// Output:
	// log: Inngest responded with 503
	// client: 503 Service Unavailable
}
