package main

import "fmt"

// A text is the text of a mail to a user.
type text func(u User) string

func welcomeMail(token string) text {
	return func(u User) string {
		return fmt.Sprintf("Welcome, %s! Please verify your address: https://app.example.com/verify?token=%s", u.Name, token)
	}
}

func reminderMail(u User) string {
	return u.Name + ", please verify your address with the link in our first mail."
}

func completionMail(u User) string { return fmt.Sprintf("Thank you, %s, you are all set.", u.Name) }

func tipMail(tip string) text {
	return func(u User) string { return fmt.Sprintf("%s, a tip for you: %s.", u.Name, tip) }
}

func feedbackMail(u User) string { return u.Name + ", how do you like it?" }

// tipsFor returns the tips for an interest. One every three days from the seventh day on is
// a month.
func tipsFor(interest string) []string {
	tips := []string{"add a picture", "invite a friend", "try the search", "set a reminder"}
	switch interest {
	case "photos":
		return append(tips, "make an album", "share an album", "print a photo", "edit a photo")
	case "music":
		return append(tips, "make a playlist", "follow a band", "share a song", "find a concert")
	default:
		return append(tips, "choose an interest", "read the news", "see what is new", "change the theme")
	}
}
