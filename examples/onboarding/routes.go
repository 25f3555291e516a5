package main

import (
	"errors"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	inngestgin "github.com/inngestkit/inngestkit/adapters/gin"
	inngestkit "github.com/inngestkit/inngestkit/core"
)

// routes are the routes for users.
type routes struct{ store *Store }

// newRouter returns a Gin engine like that of any application, with two lines for Inngest.
func newRouter(app *inngestkit.App, store *Store) *gin.Engine {
	gin.SetMode(gin.ReleaseMode)
	router := gin.New()
	router.Use(gin.Recovery())
	router.Use(inngestgin.Middleware(app)) // for inngestgin.Send in handlers
	inngestgin.Mount(router, app)          // /api/inngest, where the server calls the functions

	r := &routes{store: store}
	router.POST("/users", r.signUp)
	router.GET("/users/:id", r.user)
	router.POST("/users/:id/unsubscribe", r.unsubscribe)
	router.POST("/verify", r.verify)
	return router
}

// signUp responds at once. The event starts the function, which does the rest. If the event
// cannot be sent, the user signs up again: the database and the function know the user by
// the address.
func (r *routes) signUp(c *gin.Context) {
	var form struct {
		Email    string `binding:"required,email"               json:"email"`
		Name     string `binding:"required,max=80"              json:"name"`
		Interest string `binding:"omitempty,oneof=photos music" json:"interest"`
	}
	if err := c.ShouldBindJSON(&form); err != nil {
		fail(c, http.StatusBadRequest, err)
		return
	}
	userID, err := r.store.SignUp(c.Request.Context(), form.Email, form.Name, form.Interest)
	if err != nil {
		fail(c, http.StatusInternalServerError, err)
		return
	}
	send(c, userID, userRegistered.New(Registered{UserID: userID}))
}

// verify is for the page behind the link in the welcome mail.
func (r *routes) verify(c *gin.Context) {
	var form struct {
		Token string `binding:"required" json:"token"`
	}
	if err := c.ShouldBindJSON(&form); err != nil {
		fail(c, http.StatusBadRequest, err)
		return
	}
	user, err := r.store.Verify(c.Request.Context(), form.Token, time.Now())
	switch {
	case errors.Is(err, ErrNoToken):
		fail(c, http.StatusNotFound, err)
	case err != nil:
		fail(c, http.StatusInternalServerError, err)
	default:
		send(c, user.ID, emailVerified.New(Verified{UserID: user.ID, VerifiedAt: user.VerifiedAt}))
	}
}

func (r *routes) unsubscribe(c *gin.Context) {
	userID := c.Param("id")
	send(c, userID, userUnsubscribed.New(Unsubscribed{UserID: userID}))
}

// userView is what the support sees of a user.
type userView struct {
	Status string   `json:"status"`
	Mails  []string `json:"mails"`
}

// user shows a user with the mails, which a real application would not show to everybody.
func (r *routes) user(c *gin.Context) {
	ctx, id := c.Request.Context(), c.Param("id")
	user, err := r.store.User(ctx, id)
	if errors.Is(err, ErrNoUser) {
		fail(c, http.StatusNotFound, err)
		return
	}
	if err != nil {
		fail(c, http.StatusInternalServerError, err)
		return
	}
	mails, err := r.store.Mails(ctx, id)
	if err != nil {
		fail(c, http.StatusInternalServerError, err)
		return
	}
	c.JSON(http.StatusOK, userView{Status: user.Status, Mails: mails})
}

// send sends an event about a user, and writes the response.
func send(c *gin.Context, userID string, event inngestkit.AnyEvent) {
	ids, err := inngestgin.Send(c, event)
	if err != nil {
		fail(c, inngestkit.SendStatus(err), err)
		return
	}
	c.JSON(http.StatusAccepted, gin.H{"userId": userID, "eventId": ids[0]})
}

// fail writes an error. The cause of one of the server's own is only for the log.
func fail(c *gin.Context, status int, err error) {
	_ = c.Error(err) // for logging middleware
	message := err.Error()
	if status >= http.StatusInternalServerError {
		message = http.StatusText(status)
	}
	c.JSON(status, gin.H{"error": message})
}
