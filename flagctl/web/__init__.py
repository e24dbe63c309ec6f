"""The admin web app: pages that say what is in force. It never dispatches a job."""
