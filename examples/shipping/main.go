// Shipping is four services on Fiber: orders, inventory, fulfillment and notifications. Each
// is an app with a port and a database of its own, and they know each other only by events.
// Run them from the root of the repository, with nothing installed but Go:
//
//	go run ./examples/shipping
//
// Each service is a package; package events has the events between them, and package chassis
// what they do alike. story.go and the packages in examples/internal, which a real application
// does not need, start an Inngest server and order something.
package main

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"time"

	"github.com/inngestkit/inngestkit/examples/internal/database"
	"github.com/inngestkit/inngestkit/examples/internal/demo"
	"github.com/inngestkit/inngestkit/examples/shipping/chassis"
	"github.com/inngestkit/inngestkit/examples/shipping/fulfillment"
	"github.com/inngestkit/inngestkit/examples/shipping/inventory"
	"github.com/inngestkit/inngestkit/examples/shipping/notifications"
	"github.com/inngestkit/inngestkit/examples/shipping/orders"
)

// packTime is how long the warehouse may take here. In production it is a day.
const packTime = 5 * time.Second

// The IDs of the apps.
const (
	ordersApp        = "orders"
	inventoryApp     = "inventory"
	fulfillmentApp   = "fulfillment"
	notificationsApp = "notifications"
)

func main() { os.Exit(demo.Main(program)) }

// services are the four services. In production, each is a program of its own.
func services() map[string]demo.Service {
	all := map[string]demo.Service{}
	for id, part := range parts(packTime) {
		all[id] = func(ctx context.Context, env demo.Env) (err error) {
			db, err := database.Open(ctx, env.Database, part.schema)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, db.Close()) }()
			return chassis.Serve(ctx, env, id, part.build(db))
		}
	}
	return all
}

// A part is how to build a service.
type part struct {
	schema string
	build  func(db *sql.DB) chassis.Service
}

// parts returns the services by the IDs of their apps.
func parts(packTime time.Duration) map[string]part {
	return map[string]part{
		ordersApp:        {orders.Schema, func(db *sql.DB) chassis.Service { return orders.New(db) }},
		inventoryApp:     {inventory.Schema, func(db *sql.DB) chassis.Service { return inventory.New(db) }},
		fulfillmentApp:   {fulfillment.Schema, func(db *sql.DB) chassis.Service { return fulfillment.New(db, packTime) }},
		notificationsApp: {notifications.Schema, func(db *sql.DB) chassis.Service { return notifications.New(db) }},
	}
}
