package main

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
	"go.opentelemetry.io/contrib/instrumentation/github.com/gin-gonic/gin/otelgin"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	inngestgin "github.com/inngestkit/inngestkit/adapters/gin"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
)

// newOrders builds the service that takes orders, on Gin.
func newOrders(app *inngestkit.App, t *telemetry) (server, error) {
	orders := &orders{}
	if err := app.Register(inngestkit.OnEvent("fulfil-order", orderPlaced, orders.fulfil, flow.Retries(3))); err != nil {
		return nil, err
	}
	gin.SetMode(gin.ReleaseMode)
	router := gin.New()
	router.GET("/metrics", gin.WrapH(t.scrape)) // before otelgin, which therefore does not trace it

	router.Use(otelgin.Middleware("orders", otelgin.WithTracerProvider(t.traces),
		otelgin.WithMeterProvider(t.metrics), otelgin.WithPropagators(propagator)))
	router.Use(gin.Recovery())
	router.Use(inngestgin.Middleware(app))
	inngestgin.Mount(router, app)
	router.POST("/orders", place)
	return &http.Server{Handler: router, ReadHeaderTimeout: 10 * time.Second}, nil
}

// place takes an order. The functions that the event starts belong to the trace of
// the request.
func place(c *gin.Context) {
	var order Order
	if err := c.ShouldBindJSON(&order); err != nil {
		c.JSON(http.StatusBadRequest, gin.H{"error": err.Error()})
		return
	}
	order.ID = "order-" + strings.ToLower(rand.Text()[:4])
	ids, err := inngestgin.Send(c, orderPlaced.New(order))
	if err != nil {
		c.JSON(http.StatusBadGateway, gin.H{"error": err.Error()})
		return
	}
	c.JSON(http.StatusAccepted, gin.H{"orderId": order.ID, "eventId": ids[0]})
}

// orders has the function of this service.
type orders struct{ bank bank }

// fulfil charges for an order, and notifies the other service.
func (o *orders) fulfil(ctx context.Context, in inngestkit.Input[Order]) (string, error) {
	order := in.Event.Data
	_, err := step.Run(ctx, "reserve-stock", func(ctx context.Context) (int, error) {
		inngestkit.Logger(ctx).Info("the stock is reserved", "order", order.ID)
		return 1, nil
	})
	if err != nil {
		return "", err
	}
	payment, err := step.Run(ctx, "charge-card", func(ctx context.Context) (string, error) {
		// The context has the span of the step. Set your own attributes on it. It is
		// the parent of the spans of your HTTP client and database.
		trace.SpanFromContext(ctx).SetAttributes(attribute.Int("order.cents", order.Cents))
		return o.bank.charge(ctx, order)
	})
	if err != nil {
		return "", err
	}
	_, err = step.SendEvent(ctx, "announce-payment", orderPaid.New(order))
	return payment, err
}

// bank simulates a payment service. It rejects each order once, to show a retry.
type bank struct{ refused sync.Map }

func (b *bank) charge(ctx context.Context, order Order) (string, error) {
	if _, again := b.refused.LoadOrStore(order.ID, true); !again {
		return "", errors.New("the bank does not respond")
	}
	inngestkit.Logger(ctx).Info("the card is charged", "order", order.ID)
	return "payment-of-" + order.ID, nil
}
