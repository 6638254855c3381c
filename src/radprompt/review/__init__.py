"""The reader's page: a local web page on which radiologists accept, correct or exclude contours."""
