"""What a page, the JSON API and the command line show: records and sentences, no markup."""
